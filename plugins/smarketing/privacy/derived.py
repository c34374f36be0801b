"""Erasing in what is made of the raw tables: models, marts of every night, and the night's record.

Nothing is built anew and no number changes. Keys are exchanged where they stand, so that readers,
a rollback and a night that is under way go on with the same rows about nobody.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from psycopg import Connection, sql

from smarketing.privacy.raw import Plan
from smarketing.privacy.stand_ins import NEUTRAL_WORD

# columns of models that may hold what is personal itself, not only a key
_PERSONAL: Final = {
    "email": "email",
    "normal_email": "email",
    "second_email": "email",
    "masked_email": "masked",
    "phone": "phone",
    "company": "company",
    "value": "value",
    "value_class": "value",
    "reason": "word",
    "rejection_reason": "word",
}
# the one mart of people by name
_CONTACTS: Final = "dim_lead_contacts"
_TEXT: Final = ("text", "character varying")
MASK: Final = f"({NEUTRAL_WORD})"
"""What stands in a text where it quoted somebody."""


def erase_models(connection: Connection[Any], plan: Plan) -> dict[str, int]:
    """Exchange keys and values in every table of every schema of models; rows changed, by table.

    Each table is written in its owner's role; all of it in the transaction of ``connection``.
    """
    changed: dict[str, int] = {}
    maps = _maps(plan)
    tables = connection.execute(
        """
        select tables.schemaname, tables.tablename, tables.tableowner
        from pg_tables as tables
        where
            tables.schemaname in ('staging', 'intermediate')
            or tables.schemaname like 'marts%'
            or tables.schemaname like 'backtest\\_%'
        order by 1, 2
        """
    ).fetchall()
    for schema, table, owner in tables:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(owner)))
        if count := _erase_model(connection, schema, table, plan, maps):
            changed[f"{schema}.{table}"] = count
    return changed


def _erase_model(
    connection: Connection[Any], schema: str, table: str, plan: Plan, maps: dict[str, str]
) -> int:
    columns = dict(
        connection.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = %s and table_name = %s",
            (schema, table),
        ).fetchall()
    )
    texts = [name for name, type_ in columns.items() if type_ in _TEXT]
    keys = [name for name in texts if name not in _PERSONAL and name != "record_url"]
    changes: dict[str, sql.Composable] = {name: _exchanged(name) for name in keys}
    conditions = [sql.SQL("({})").format(_is_theirs(name)) for name in keys]
    if "lead_id" in columns or "record_key" in columns:
        # of somebody else's row nothing is exchanged
        changes |= {
            name: sql.SQL("coalesce({map} ->> {column}, {column})").format(
                map=_map(_PERSONAL[name]), column=sql.Identifier(name)
            )
            for name in texts
            if name in _PERSONAL
        }
        if "record_url" in columns:
            changes["record_url"] = sql.SQL("case when {} then null else record_url end").format(
                sql.SQL(" or ").join(map(_is_theirs, keys))
            )
        if "finding_id" in columns:
            changes["finding_id"] = sql.SQL("md5(gen_random_uuid()::text)")
    else:
        for name in {*texts} & {"reason", "rejection_reason"}:
            changes[name] = sql.SQL("coalesce({map} ->> {column}, {column})").format(
                map=_map("word"), column=sql.Identifier(name)
            )
            conditions.append(sql.SQL("{} ? {}").format(_map("word"), sql.Identifier(name)))
    for name, type_ in columns.items():
        if type_ == "ARRAY" and name.endswith("_ids"):
            changes[name] = sql.SQL(
                "array(select coalesce({map} ->> one, one) from unnest({column}) as listed (one))"
            ).format(map=_map("record"), column=sql.Identifier(name))
            conditions.append(
                sql.SQL("exists (select from unnest({}) as listed (one) where {} ? one)").format(
                    sql.Identifier(name), _map("record")
                )
            )
    count = 0
    if table == _CONTACTS:
        # nobody is to be called
        query = sql.SQL("delete from {} where {}").format(
            sql.Identifier(schema, table), _is_theirs("lead_id")
        )
        count = connection.execute(query, maps).rowcount
    elif conditions:
        query = sql.SQL("update {} set {} where {}").format(
            sql.Identifier(schema, table),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), value)
                for name, value in changes.items()
            ),
            sql.SQL(" or ").join(conditions),
        )
        count += connection.execute(query, maps).rowcount
    if columns.get("members") == "jsonb":
        count += _erase_members(connection, schema, table, plan)
    return count


def erase_record(connection: Connection[Any], plan: Plan) -> dict[str, int]:
    """Exchange keys in the night's own record, and clear what quotes the person; rows changed.

    In the role of the owner of ``ops``, in the transaction of ``connection``.
    """
    connection.execute("set local role smarketing_transformer")
    changed = {
        "ops.reported_periods": _erase_members(connection, "ops", "reported_periods", plan),
        "ops.check_failures": connection.execute(
            sql.SQL("update ops.check_failures set failing_key = {} where {}").format(
                _exchanged("failing_key"), _is_theirs("failing_key")
            ),
            _maps(plan),
        ).rowcount,
        # that something was rejected stays, and why; what it said does not
        "ops.rejected_rows": connection.execute(
            "update ops.rejected_rows set value = null, record = null,"
            " file = case when file ~* %(them)s then %(mask)s else file end,"
            " file_sha = md5(gen_random_uuid()::text)"
            " where concat_ws(' ', file, value, record::text) ~* %(them)s",
            {"them": pattern(plan), "mask": MASK},
        ).rowcount,
    }
    for table, column in (
        ("nights", "message"),
        ("steps", "note"),
        ("check_results", "observed"),
        ("source_spans", "reason"),
    ):
        name = sql.Identifier(column)
        changed[f"ops.{table}"] = connection.execute(
            sql.SQL(
                "update ops.{table} set {column} = regexp_replace({column}, %(them)s, %(mask)s,"
                " 'gi') where {column} ~* %(them)s"
            ).format(table=sql.Identifier(table), column=name),
            {"them": pattern(plan), "mask": rf"\1{MASK}"},
        ).rowcount
    return {table: count for table, count in changed.items() if count}


def pattern(plan: Plan) -> str:
    """A regular expression for whatever quotes somebody, with what stands before it as group 1.

    Ids of few characters are looked for with their system only: a number is many things.
    """
    quoted = quoted_texts(plan)
    return rf"(^|[^[:alnum:]])({'|'.join(map(re.escape, quoted))})(?![[:alnum:]])"


def quoted_texts(plan: Plan) -> list[str]:
    """What in a text would give somebody away: addresses, numbers, keys, long ids."""
    texts = set(plan.record_keys) | set(plan.values.get("email", ())) | plan.addresses
    texts |= {record for _, record in plan.records if len(record) >= 8}
    texts |= {phone.strip() for phone in plan.values.get("phone", ()) if len(phone.strip()) >= 6}
    # the longest first: an address before the part of it that is another's
    return sorted(texts, key=lambda text: (-len(text), text))


def _exchanged(column: str) -> sql.Composable:
    """What a column of keys says without them: whole, or before a slash (of a member, an entry)."""
    map_ = _map("touch" if "touch_key" in column else "record")
    name = sql.Identifier(column)
    return sql.SQL(
        "case when {map} ? {column} then {map} ->> {column}"
        " when {map} ? split_part({column}, '/', 1)"
        " then ({map} ->> split_part({column}, '/', 1))"
        " || substr({column}, strpos({column}, '/')) else {column} end"
    ).format(map=map_, column=name)


def _is_theirs(column: str) -> sql.Composable:
    map_ = _map("touch" if "touch_key" in column else "record")
    return sql.SQL("{map} ? {column} or {map} ? split_part({column}, '/', 1)").format(
        map=map_, column=sql.Identifier(column)
    )


def _map(name: str) -> sql.Composable:
    return sql.SQL("{}::jsonb").format(sql.Placeholder(name))


def _maps(plan: Plan) -> dict[str, str]:
    """What is exchanged for what, by the kind of column, as JSON that the database looks up in."""
    email, phone, company, word = (
        {
            spelling: new
            for old, new in plan.values.get(treatment, {}).items()
            for spelling in (old, old.strip(), old.strip().lower())
        }
        for treatment in ("email", "phone", "company", "word")
    )
    # of an address, the marts tell the domain, and the first letter
    masked = {
        f"{old[0]}***@{old.split('@')[1]}": f"{new[0]}***@{new.split('@')[1]}"
        for old, new in email.items()
    }
    domains = {old.split("@")[1]: new.split("@")[1] for old, new in email.items()}
    maps = {
        "record": plan.record_keys,
        "touch": plan.touches,
        "email": email,
        "phone": phone,
        "company": company,
        "word": word,
        "value": domains,
        "masked": masked,
    }
    return {name: orjson.dumps(map_).decode() for name, map_ in maps.items()}


def _erase_members(connection: Connection[Any], schema: str, table: str, plan: Plan) -> int:
    """Exchange the keys of those who stand behind a number that was reported."""
    name = sql.Identifier(schema, table)
    keys = plan.record_keys
    rows = connection.execute(
        sql.SQL(
            "select ctid::text, members from {} where exists ("
            " select from jsonb_array_elements(members) as listed (member)"
            " where %s::jsonb ? (member ->> 'lead'))"
        ).format(name),
        [orjson.dumps(keys).decode()],
    ).fetchall()
    for _, members in rows:
        for member in members:
            old = member["lead"]
            if old in keys:
                member["lead"] = keys[old]
                if member["key"] == old or member["key"].startswith(f"{old}/"):
                    member["key"] = keys[old] + member["key"].removeprefix(old)
    with connection.cursor() as cursor:
        cursor.executemany(
            sql.SQL("update {} set members = %s::jsonb where ctid = %s::tid").format(name),
            [(orjson.dumps(members).decode(), place) for place, members in rows],
        )
    return len(rows)
