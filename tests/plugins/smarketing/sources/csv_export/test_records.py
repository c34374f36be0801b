from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smarketing.sources.csv_export.formats import Format
from smarketing.sources.csv_export.records import Malformed, open_records, printable


def read(path: Path, data: bytes, **declared: Any) -> tuple[object, list[tuple[int, Any]]]:
    file = path / "file.csv"
    file.write_bytes(data)
    with open_records(file, Format.model_validate(declared)) as records:
        return records.header, list(records)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = 'id;"año"\r\n1;"piñata, ""grande"""\r\n'
    header, records = read(tmp_path, text.encode(encoding), encoding=encoding, delimiter=";")
    assert header == ["id", "año"]
    assert records == [(2, ["1", 'piñata, "grande"'])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path, encoding: str) -> None:
    data = '\ufeff"id",name\n1,\ufeffAda\n'.encode(encoding)
    assert read(tmp_path, data, encoding=encoding) == (["id", "name"], [(2, ["1", "\ufeffAda"])])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_record_has_the_line_it_starts_on(tmp_path: Path, end: str) -> None:
    lines = ["id,note", "1,one", '2,"two', "", 'lines"', "", "3,three", '4,"', '"', "5,five"]
    _, records = read(tmp_path, end.join(lines).encode())
    assert [(line, cells[0]) for line, cells in records] == [
        (2, "1"),
        (3, "2"),
        (7, "3"),
        (8, "4"),
        (10, "5"),
    ]
    assert records[1][1][1] == f"two{end}{end}lines"


def test_a_malformed_record_costs_only_itself(tmp_path: Path) -> None:
    data = b'id,note\n1,"a"b\n2,ok\n3,"' + b"x\n" * 70_000 + b'4,ok\n5,"never closed\n'
    _, records = read(tmp_path, data)
    assert records[0] == (2, Malformed('1,"a"b\n', "',' expected after '\"'"))
    assert records[1] == (3, ["2", "ok"])
    line, broken = records[2]
    assert (line, broken.reason) == (4, "field larger than field limit (131072)")
    line, broken = records[-1]
    assert line == 70_005
    assert broken == Malformed('5,"never closed\n', "unexpected end of data")


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    _, records = read(tmp_path, b'id\tinch\n1\t5" and 6"\n', delimiter="\t", quote="")
    assert records == [(2, ["1", '5" and 6"'])]


@pytest.mark.parametrize(
    ("encoding", "data", "shown"),
    [
        ("utf-8", b"id\nMu\xf1oz\nok\n", r"Mu\xf1oz"),
        ("cp1252", b"id\nMu\x81oz\nok\n", r"Mu\x81oz"),
        (
            "utf-16-le",
            "id\nMu".encode("utf-16-le") + b"\x05\xdc" + "oz\nok\n".encode("utf-16-le"),
            r"Mu\x05\xdcoz",
        ),
    ],
)
def test_bytes_that_do_not_decode_stay_visible(
    tmp_path: Path, encoding: str, data: bytes, shown: str
) -> None:
    _, [(_, [broken]), (_, [good])] = read(tmp_path, data, encoding=encoding)
    assert printable(broken) == shown
    assert good == "ok"


def test_an_empty_file_has_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == ([], [])


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(texts, min_size=width, max_size=width), min_size=1, max_size=5
        )
    ),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    # Python's writer leaves a lone \r unquoted where lines end in \n and not all is quoted.
    style=st.sampled_from(
        [(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")]
    ),
    encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32", "gb18030"]),
)
@settings(max_examples=200, deadline=None)
def test_whatever_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str,
    quote: str,
    style: tuple[Literal[0, 1], str],
    encoding: str,
) -> None:
    out = io.StringIO(newline="")
    quoting, end = style
    writer = csv.writer(
        out, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end
    )
    writer.writerows([["header"] * len(rows[0]), *rows])
    path = tmp_path_factory.getbasetemp()
    _, records = read(
        path,
        out.getvalue().encode(encoding),
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
    )
    assert [cells for _, cells in records] == rows
