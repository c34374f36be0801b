"""What is refused in the form of a file, before any clause is looked at."""

from __future__ import annotations

import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from smarketing.agreement import AgreementError, Fault
from smarketing.agreement.document import MAX_BYTES, MAX_DEPTH, read_document


def read(tmp_path: Path, content: str | bytes) -> tuple[object, list[Fault]]:
    file = tmp_path / "2025-04-01.yml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        node, faults = read_document(file)
    except AgreementError as error:
        return None, error.faults
    return node.plain(), faults


def test_values_are_what_they_look_like(tmp_path: Path) -> None:
    text = """\
        day: 2025-04-01
        no such day: 2025-02-30
        quoted: "2025-04-01"
        norway: no
        time: 9:30
        number: 12
        share: 0.25
        flag: true
        list: [a, [b]]
        """
    assert read(tmp_path, text) == (
        {
            "day": date(2025, 4, 1),
            "no such day": "2025-02-30",
            "quoted": "2025-04-01",
            "norway": "no",
            "time": "9:30",
            "number": 12,
            "share": 0.25,
            "flag": True,
            "list": ("a", ("b",)),
        },
        [],
    )


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfname: A") == ({"name": "A"}, [])


def test_nodes_know_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(
        "# comment\na:\n  - b: 1\n\n  - c:\n      d: >-\n        folded\n        text\n"
    )
    root, _ = read_document(file)
    assert [root.nearest(place).line for place in [("a",), ("a", 0), ("a", 1, "c", "d")]] == [
        2,
        3,
        6,
    ]
    assert root.nearest(("a", 1, "unknown")).location == ("a", 1)


@pytest.mark.parametrize(
    ("content", "line", "found", "remedy"),
    [
        ("a: 1\nb:\t2\n", 2, "a tab", "replace every tab by spaces"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' a second time", "remove or rename"),
        ("a:\n  b: 1\n  c: 2\n  b: 1\n", 4, "'b' a second time", "remove or rename"),
        ("a: 1\nb:\n", 2, "nothing", "fill it in, or remove it"),
        ("a: 1\nb: [~]\n", 2, "nothing", "fill it in, or remove it"),
        ("a: &x 1\n", 1, "the anchor '&x'", "remove it"),
        ("a: 1\nb: *x\n", 2, "the alias '*x'", "write it out"),
        ("a: !!python/object:os.system x\n", 1, "the tag", "remove it"),
        ("a: 1\n---\nb: 2\n", 2, "a second document", "file of its own"),
        ("", 1, "an empty file", "write it"),
        ("# only a comment\n", 1, "an empty file", "write it"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML", "check this line"),
        ("a: 1\n  b: 2\n", 2, "not YAML", "check this line"),
        ("? [a]\n: 1\n", 1, "a key that is not a word", "plain text"),
        ("a: 1\nb: \x07\n", 2, "a control character", "delete the character"),
        ('a: 1\nb:\n  "\\0"\n', 2, "a control character", "delete the character"),
        ('a: ["b", "\\e[31m"]\n', 1, "a control character", "delete the character"),
        ('a: "\\ud800"\n', 1, "a control character", "delete the character"),
        ('a: 1\n"\\e[31m": 2\n', 2, "a control character", "delete the character"),
        (b"a: 1\nb: \xe9t\xe9\n", 2, "a byte that is not UTF-8 (0xe9)", "encoding UTF-8"),
        ("[" * (MAX_DEPTH + 1), 1, f"nested more than {MAX_DEPTH} deep", "the brackets"),
        ("[" * 200_000, 1, f"nested more than {MAX_DEPTH} deep", "the brackets"),
        ("a: " + "x" * MAX_BYTES, None, "more than 1,000,000 bytes", "right file"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(
    tmp_path: Path, content: str | bytes, line: int | None, found: str, remedy: str
) -> None:
    _, faults = read(tmp_path, content)
    assert len(faults) == 1
    assert faults[0].line == line
    assert found in faults[0].found
    assert remedy in faults[0].remedy


def test_a_bomb_of_anchors_is_not_expanded(tmp_path: Path) -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 15)]
    _, faults = read(tmp_path, "\n".join(layers))
    assert {fault.line for fault in faults} == set(range(1, 16))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "2025-04-01.yml"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)
    tracemalloc.start()
    with pytest.raises(AgreementError, match="more than 1,000,000 bytes"):
        read_document(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * MAX_BYTES


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AgreementError, match="a file that cannot be read"):
        read_document(tmp_path / "absent.yml")
