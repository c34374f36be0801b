"""The tables of the agreement's page, written from its form: ``docs/agreement.md``.

A table stands between ``<!-- table: VolumeCommitment -->`` and ``<!-- end -->``.
``python -m smarketing.agreement.reference docs/agreement.md`` writes all of them anew.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from smarketing.agreement.schema import Schema, json_schema

_ENTRIES = "entries"
_KINDS = {
    "string": "text",
    "boolean": "`true` or `false`",
    "integer": "a whole number",
    "number": "a number",
}
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """The page with every table as the form is now."""
    clauses = _clauses()
    return _TABLE.sub(lambda mark: f"{mark[1]}\n{_table(clauses[mark[2]])}\n{mark[3]}", page)


def _clauses() -> dict[str, Schema]:
    """Every clause by its name. What all commitments say is a clause of its own."""
    schema = json_schema()
    clauses: dict[str, Schema] = schema.pop("$defs")
    for value in schema["properties"].values():
        # where a clause says the same of itself, the schema says it once
        if name := value.get("$ref", "").removeprefix("#/$defs/"):
            value.setdefault("description", clauses[name]["description"])
    metrics = {name: each for name, each in clauses.items() if name.endswith("Commitment")}
    first, *others = metrics.values()
    common = {
        key: value
        for key, value in first["properties"].items()
        if all(key in other["properties"] for other in others)
    }
    common["metric"] = {
        "description": "What is counted: the sections below.",
        "enum": [each["properties"]["metric"]["const"] for each in metrics.values()],
    }
    common["segments"] |= {"description": "Parts of the whole with a number of their own."}
    commitment = {
        "title": "Every commitment",
        "properties": common,
        "required": first["required"],
    }
    for name, metric in metrics.items():
        own = {key: value for key, value in metric["properties"].items() if key not in common}
        clauses[name] = metric | {"properties": own}
    return clauses | {"Contract": schema, "Commitment": commitment}


def _table(clause: Schema) -> str:
    rows = [f"| {clause['title']} | says | written |", "|---|---|---|"]
    required = clause.get("required", ())
    for name, value in clause["properties"].items():
        optional = "" if name in required else " *(optional)*"
        rows.append(f"| `{name}`{optional} | {value['description']} | {_written(value)} |")
    return "\n".join([*rows, ""])


def _written(value: Schema) -> str:
    forms = value.get("anyOf", [value])
    written = " or ".join(map(_form, forms))
    default = value.get("default")
    return f"{written}; else {_code(default)}" if default is not None else written


def _form(value: Schema) -> str:
    match value:
        case {"const": word}:
            return _code(word)
        case {"enum": words}:
            return ", ".join(map(_code, words))
        case {"examples": [example, *_]}:
            return f"like {_code(example)}"
        case {"type": "array", "items": items}:
            item = _form(items)
            return f"a list: {item}" if item != _ENTRIES else "a list of entries"
        case {"type": "string", "format": "date"}:
            return "like `2025-04-01`"
        case {"type": "string", "pattern": _}:
            return "a short name, like `mql`"
    return _KINDS.get(value.get("type", ""), _ENTRIES)


def _code(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_tables(file.read_text(encoding="utf-8")), encoding="utf-8")
