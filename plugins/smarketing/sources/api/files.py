"""CSV files of a vendor as columns of text, block by block: memory is flat in their length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK: Final = 1 << 20


def csv_batches(
    stream: IO[bytes], columns: Mapping[str, str], *, empty: str = ""
) -> Iterator[pa.RecordBatch]:
    """The records of a CSV file, with our columns under our names.

    ``columns`` gives our columns the header that fills each; other headers are passed over.
    ``empty`` is the text that stands for nothing, beside no text at all. Values may hold line
    breaks; bytes that are no UTF-8 are told as ``\\xNN``.

    Raises:
        pyarrow.ArrowException: the file is no CSV, or has not all of the headers.
    """
    import pyarrow as pa
    from pyarrow import csv

    headers = list(dict.fromkeys(columns.values()))
    reader = csv.open_csv(
        stream,
        read_options=csv.ReadOptions(block_size=_BLOCK),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(headers, pa.binary()),
            include_columns=headers,
            null_values=["", empty],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    for batch in reader:
        if batch.num_rows:
            yield pa.RecordBatch.from_arrays(
                [_as_text(batch.column(header)) for header in columns.values()],
                names=list(columns),
            )


def _as_text(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        # one bad value among thousands is no reason to lose the others
        texts = [
            value and value.decode("utf-8", "backslashreplace") for value in column.to_pylist()
        ]
        return pa.array(texts, pa.string())
