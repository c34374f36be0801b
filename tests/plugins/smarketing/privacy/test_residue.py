"""Files lose what they quote, however it is written, and stay as long as they were."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest
from smarketing.privacy.residue import mask_files

NAME = "zoë.o'hara+x@example.com"


@pytest.mark.parametrize(
    "written",
    [
        NAME.encode(),
        NAME.upper().encode(),
        json.dumps({"email": NAME}).encode(),
        f"GET /x?email={quote(NAME)} HTTP/1.1".encode(),
        f"GET /x?email={quote(NAME, safe='')}".encode(),
        f"<td>{escape(NAME)}</td>".encode(),
        NAME.encode("utf-16-le"),
        f"before {NAME}, after {NAME}".encode(),
    ],
)
def test_a_text_is_masked_as_it_is_written(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "deep" / "er" / "a.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(written)
    assert mask_files([tmp_path], [NAME]) == (1, [])
    masked = file.read_bytes()
    assert len(masked) == len(written)
    assert b"hara" not in masked.lower()
    assert mask_files([tmp_path], [NAME]) == (0, [])


def test_others_and_what_is_nowhere_stay(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "other").write_text("another@example.com")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert mask_files([tmp_path, tmp_path / "missing"], [NAME]) == (0, [])
    assert (tmp_path / "other").read_text() == "another@example.com"
