from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from smarketing.sources.csv_export.formats import Format
from smarketing.sources.csv_export.records import HeaderError, Malformed, open_records, printable


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


def unclosed(text: str, cell: int, why: str) -> Malformed:
    return Malformed(text, f"an opened quote is never closed: {why}", cell)


def test_a_malformed_record_costs_only_its_line(tmp_path: Path) -> None:
    data = b'id,note\n1,"a"b\n2,ok\n3,"' + b"x\n" * 70_000 + b'4,ok\n5,"never closed\n'
    _, records = read(tmp_path, data)
    assert records[:3] == [
        (2, Malformed('1,"a"b\n', "',' expected after '\"'")),
        (3, ["2", "ok"]),
        (4, unclosed('3,"x\n', 1, "line 65540 gives field larger than field limit (131072)")),
    ]
    assert records[3:-2] == [(line, ["x"]) for line in range(5, 70_004)]
    assert records[-2:] == [
        (70_004, ["4", "ok"]),
        (70_005, unclosed('5,"never closed\n', 1, "line 70005 gives the end of the file")),
    ]


@pytest.mark.parametrize(
    ("lines", "read_as"),
    [
        # The second quote closes the cell, but something comes after it.
        (
            ['1,"a,b', "2,c,d", '3,"e,f', "4,g,h"],
            {
                2: unclosed('1,"a,b\n', 1, "line 4 gives ',' expected after '\"'"),
                3: ["2", "c", "d"],
                4: unclosed('3,"e,f\n', 1, "line 5 gives the end of the file"),
                5: ["4", "g", "h"],
            },
        ),
        # It closes the cell, and there are too few cells, or too many.
        (
            ['1,"a,b', "2,c,d", '3,e,"', "4,g,h"],
            {
                2: unclosed('1,"a,b\n', 1, "line 4 gives a record of 2 cells"),
                3: ["2", "c", "d"],
                4: unclosed('3,e,"\n', 2, "line 5 gives the end of the file"),
                5: ["4", "g", "h"],
            },
        ),
        (
            ['1,a,"b', "2,c,d", '3,",f', "4,g,h"],
            {
                2: unclosed('1,a,"b\n', 2, "line 4 gives a record of 4 cells"),
                3: ["2", "c", "d"],
                4: unclosed('3,",f\n', 1, "line 5 gives the end of the file"),
                5: ["4", "g", "h"],
            },
        ),
        # It closes the cell and the number is right: nothing tells this from a long cell.
        (
            ['1,"a,b', "2,c,d", '3,",f', "4,g,h"],
            {2: ["1", "a,b\n2,c,d\n3,", "f"], 5: ["4", "g", "h"]},
        ),
        # What was meant as one record over two lines costs both.
        (
            ['1,"a', 'b"', "2,c,d"],
            {
                2: unclosed('1,"a\n', 1, "line 3 gives a record of 2 cells"),
                3: ['b"'],
                4: ["2", "c", "d"],
            },
        ),
        # A line that is the end of one cell and the start of another goes on for ever.
        (
            ['x","y'] * 3,
            {
                2: unclosed('x","y\n', 1, "line 4 gives more cells than the header has"),
                3: unclosed('x","y\n', 1, "line 4 gives the end of the file"),
                4: unclosed('x","y\n', 1, "line 4 gives the end of the file"),
            },
        ),
    ],
)
def test_lines_after_a_stray_quote_are_read(
    tmp_path: Path, lines: list[str], read_as: dict[int, list[str] | Malformed]
) -> None:
    _, records = read(tmp_path, "\n".join(["id,name,note", *lines, ""]).encode())
    assert dict(records) == read_as


def test_a_header_with_a_stray_quote_is_none(tmp_path: Path) -> None:
    with pytest.raises(HeaderError, match="never closed: line 3 gives the end of the file"):
        read(tmp_path, b'id,"note\n1,a\n2,b\n')


@pytest.mark.parametrize("line", ['x","y', 'x,"y', '"x', 'x,"', 'x,"""', 'x""', "x,y", "x"])
def test_memory_does_not_grow_with_what_a_quote_swallows(tmp_path: Path, line: str) -> None:
    file = tmp_path / "file.csv"

    def peak(lines: int) -> int:
        file.write_text('a,b\n0,"\n' + (line.replace("x", "x" * 80) + "\n") * lines)
        tracemalloc.start()
        with open_records(file, Format()) as records:
            for _ in records:
                pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # One cell may hold 131,072 characters; both files are longer.
    assert peak(6_000) < 1.2 * peak(2_000)


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


LETTERS = "abé"
# No cell starts with what may stand after a closing quote, so that no stray quote seems to be one.
cells = st.text(LETTERS + " ,\n", max_size=8).filter(lambda text: text[:1] not in {",", "\n"})
plain_cells = st.text(LETTERS, max_size=3)


def tables(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    def table(width: int) -> st.SearchStrategy[list[list[str]]]:
        return st.lists(st.lists(cell, min_size=width, max_size=width), min_size=2, max_size=8)

    return st.integers(2, 4).flatmap(table)


def written(rows: list[list[str]], strays: dict[int, tuple[int, bool]]) -> tuple[str, list[int]]:
    """Write rows after a header, and give the line of each.

    ``strays`` tells for each row with a stray quote its cell, and whether it is at its end.
    """
    lines, places, number = [",".join("h" * len(rows[0]))], [], 2
    for index, row in enumerate(rows):
        shown = [f'"{text}"' if {",", "\n"} & {*text} else text for text in row]
        if index in strays:
            cell, at_end = strays[index]
            shown[cell] = shown[cell] + '"' if at_end else '"' + shown[cell]
        lines.append(",".join(shown))
        places.append(number)
        number += 1 + lines[-1].count("\n")
    return "\n".join([*lines, ""]), places


@given(rows=tables(cells), data=st.data())
@settings(max_examples=300, deadline=None)
def test_one_stray_quote_costs_one_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], data: st.DataObject
) -> None:
    on_one_line = [index for index, row in enumerate(rows) if "\n" not in "".join(row)]
    assume(on_one_line)
    struck = data.draw(st.sampled_from(on_one_line))
    cell = data.draw(st.integers(0, len(rows[0]) - 1))
    # A quote at the end of a cell without quotes is text.
    at_end = "," in rows[struck][cell] and data.draw(st.booleans())
    text, lines = written(rows, {struck: (cell, at_end)})
    _, records = read(tmp_path_factory.getbasetemp(), text.encode())
    assert [line for line, _ in records] == lines
    for (_, record), row in zip(records, rows, strict=True):
        assert isinstance(record, Malformed) if row is rows[struck] else record == row


@given(rows=tables(plain_cells), data=st.data())
@settings(max_examples=300, deadline=None)
def test_two_stray_quotes_cost_two_lines_or_make_one_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(rows) - 2))
    second = data.draw(st.integers(first + 1, len(rows) - 1))
    one, other = (data.draw(st.integers(0, len(rows[0]) - 1)) for _ in range(2))
    text, lines = written(rows, {first: (one, False), second: (other, False)})
    _, records = read(tmp_path_factory.getbasetemp(), text.encode())
    good = dict(zip(lines, rows, strict=True))
    if one == other and not rows[second][other]:
        swallowed = text.split('"')[1]
        good[lines[first]] = [*rows[first][:one], swallowed, *rows[second][one + 1 :]]
        good = {line: row for line, row in good.items() if not first < line - 2 <= second}
        assert dict(records) == good
    else:
        read_as = dict(records)
        assert isinstance(read_as.pop(lines[first]), Malformed)
        assert isinstance(read_as.pop(lines[second]), Malformed)
        del good[lines[first]], good[lines[second]]
        assert read_as == good
