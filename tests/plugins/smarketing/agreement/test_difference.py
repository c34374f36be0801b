"""What changed between two contents, in words that a director reads."""

from __future__ import annotations

from smarketing.agreement.difference import differences


def test_nothing_changed() -> None:
    assert differences({"a": [{"id": "x", "b": 1}]}, {"a": [{"id": "x", "b": 1}]}) == []


def test_changes_are_told_by_clause() -> None:
    old = {"name": "A", "commitments": [{"id": "x", "target": "at least 1 lead"}], "closed": ["1"]}
    new = {
        "name": "A",
        "commitments": [
            {"id": "y", "target": "at least 2 leads"},
            {"id": "x", "target": "at least 3 leads"},
        ],
        "closed": ["1", "2"],
    }
    assert list(map(str, differences(old, new))) == [
        "closed: [1] → [1, 2]",
        "commitments (order): x → y, x",
        "commitments[x].target: at least 1 lead → at least 3 leads",
        "commitments[y].id: (nothing) → y",
        "commitments[y].target: (nothing) → at least 2 leads",
    ]


def test_rules_on_one_stage_are_told_apart() -> None:
    old = {"qualification": [{"name": name, "stage": "mql", "allowed": "1%"} for name in "ab"]}
    new = {"qualification": [{"name": name, "stage": "mql", "allowed": name} for name in "ab"]}
    assert list(map(str, differences(old, new))) == [
        "qualification[a].allowed: 1% → a",
        "qualification[b].allowed: 1% → b",
    ]
