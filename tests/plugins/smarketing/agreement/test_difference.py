"""What changed between two contents, in words that a director reads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smarketing.agreement import differences, read_version

from tests.plugins.smarketing.agreement.conftest import CONTRACT, EVERY_CLAUSE

Content = dict[str, Any]
Change = Callable[[Content], object]


@cache
def _whole() -> Content:
    text = CONTRACT
    for old, new in EVERY_CLAUSE:
        text = text.replace(old, new, 1)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "whole.yml"
        file.write_text(text, encoding="utf-8")
        return read_version(file).contract.content()


def content() -> Content:
    """An agreement with every kind of clause, as it is stored."""
    return copy.deepcopy(_whole())


def entry(content: Content, collection: str, name: str) -> Content:
    return next(each for each in content[collection] if name in each.values())


def told(change: Change) -> list[str]:
    """What is said of the agreement after a change to it."""
    new = content()
    change(new)
    return [*map(str, differences(content(), new))]


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "nobody may fail any more": (
        lambda new: entry(new, "qualification", "mql_market").pop("allowed"),
        ["Rule mql_market: allowed lowered from 10% to 0%"],
    ),
    "some may fail": (
        lambda new: entry(new, "qualification", "mql_reachable").update(allowed="5%"),
        ["Rule mql_reachable: allowed raised from 0% to 5%"],
    ),
    "a target rises": (
        lambda new: entry(new, "commitments", "mql_volume").update(target="at least 260 leads"),
        [
            "Commitment mql_volume (Marketing): target raised from at least 200 leads to "
            "at least 260 leads"
        ],
    ),
    "a sum rises": (
        lambda new: entry(new, "commitments", "other_pipeline").update(
            target="at least 1,250,000 EUR"
        ),
        [
            "Commitment other_pipeline (Sales): target raised from at least 250,000 EUR to "
            "at least 1,250,000 EUR"
        ],
    ),
    "a target of a part falls": (
        lambda new: entry(new, "commitments", "mql_volume")["segments"][0].update(
            target="at least 9 leads"
        ),
        [
            "Commitment mql_volume (Marketing), for region APAC: target lowered from "
            "at least 12 leads to at least 9 leads"
        ],
    ),
    "a target turns round": (
        lambda new: entry(new, "commitments", "sql_to_customer").update(
            target="at least 60 calendar days"
        ),
        [
            "Commitment sql_to_customer (Sales): target changed from at most 45 calendar days to "
            "at least 60 calendar days"
        ],
    ),
    "an hour more": (
        lambda new: new["handoff"]["response"].update(within="5 business hours"),
        ["Handoff: response within raised from 4 business hours to 5 business hours"],
    ),
    "a sample": (
        lambda new: entry(new, "commitments", "mql_to_sql").update(minimum_sample=9),
        ["Commitment mql_to_sql (Sales): minimum sample lowered from 20 to 9"],
    ),
    "a day off": (
        lambda new: new["calendars"]["office"]["closed"].append("2026-05-15"),
        ["Calendar office: closed now also 2026-05-15"],
    ),
    "other hours": (
        lambda new: new["calendars"]["office"]["hours"].update(fri=["08:00-15:00"]),
        ["Calendar office: hours fri changed from 09:00-15:00 to 08:00-15:00"],
    ),
    "a word of a system": (
        lambda new: new["mappings"]["crm"]["lead"].append("sql 2"),
        ["Mapping of crm: lead now also “sql 2”"],
    ),
    "a definition": (
        lambda new: new["stages"]["path"][1].update(definition="Fits."),
        ["Stage mql: definition changed from “Handed over.” to “Fits.”"],
    ),
    "the order of belief": (
        lambda new: new["systems"].reverse(),
        ["Systems: changed from crm, forms to forms, crm"],
    ),
    "a clause goes": (
        lambda new: new["handoff"].pop("acceptance"),
        ["Handoff: acceptance removed (within: 2 business days)"],
    ),
    "a mark goes": (
        lambda new: new["handoff"].pop("forward_move_counts"),
        ["Handoff: forward move counts removed (yes)"],
    ),
    "a region without clauses": (
        lambda new: new["regions"].update(LATAM={}),
        ["Region LATAM: added"],
    ),
    "a promise goes": (
        lambda new: new["commitments"].remove(entry(new, "commitments", "other_worked")),
        [
            "Commitment other_worked (Sales): removed (id: other_worked; party: sales; "
            "owner: Grace; statement: “Worked.”; period: month; target: at least 300 leads; "
            "metric: worked)"
        ],
    ),
    "the first parts of a promise": (
        lambda new: entry(new, "commitments", "other_worked").update(
            segments=[{"team": "Sales EMEA", "target": "at least 9 leads"}]
        ),
        [
            "Commitment other_worked (Sales), for team Sales EMEA: added (team: “Sales EMEA”; "
            "target: at least 9 leads)"
        ],
    ),
    "the order of promises": (
        lambda new: new["commitments"].append(new["commitments"].pop(0)),
        [
            f"Commitments: order changed from {', '.join(each)} to "
            f"{', '.join([*each[1:], each[0]])}"
            for each in [[each["id"] for each in content()["commitments"]]]
        ],
    ),
    "a notice": (
        lambda new: new["communication"][0].update(when="every month"),
        [
            "Notice (digest, email, sla@example.com): when changed from “every week” to "
            "“every month”"
        ],
    ),
    "a second notice of the same name": (
        lambda new: new["communication"].append({**new["communication"][0], "to": ["Zoë"]}),
        [
            "Notice (digest, email, sla@example.com, again): added (what: digest; to: Zoë; "
            "by: email; where: sla@example.com; when: “every week”; at: 08:30)"
        ],
    ),
}


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES)
def test_a_change_in_words(change: Change, words: list[str]) -> None:
    assert told(change) == words


def test_nothing_changed() -> None:
    assert differences(content(), content()) == []


def test_a_stage_may_be_called_like_a_clause() -> None:
    def change(new: Content) -> None:
        new["mappings"]["crm"].update(path=["way"], teams=["team"])

    assert told(change) == [
        "Mapping of crm: path added (way)",
        "Mapping of crm: teams added (team)",
    ]


def test_the_path_names_the_clause() -> None:
    new = content()
    entry(new, "commitments", "mql_volume")["segments"][1]["target"] = "at least 1 lead"
    [difference] = differences(content(), new)
    assert difference.path == "commitments[mql_volume].segments[persona IT leader].target"


def nodes(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The path of everything within a content."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from nodes(child, *path, key)


NODES = [*nodes(content())]


@given(place=st.sampled_from(NODES), change=st.sampled_from(["drop", "double", "other"]))
def test_no_change_is_silent(place: tuple[str | int, ...], change: str) -> None:
    """Whatever is taken away, added or replaced is told, with its values, in both directions."""
    old, new = content(), content()
    around: Any = new
    for key in place[:-1]:
        around = around[key]
    key, value = place[-1], around[place[-1]]
    if change == "drop":
        del around[key]
    elif change == "double" and isinstance(around, list):
        around.append(value)
    elif isinstance(value, dict | list):
        value.clear()
    else:
        around[key] = "something else"
    for before, after in ((old, new), (new, old)):
        said = "\n".join(map(str, differences(before, after)))
        assert (said == "") == (before == after)
    if change == "double":
        return
    for leaf in leaves(value_at(old, place)):
        assert ("yes" if leaf is True else str(leaf)) in said
    if change == "other" and not isinstance(value, dict | list):
        assert "something else" in said


def value_at(value: Any, place: tuple[str | int, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
    else:
        yield value
