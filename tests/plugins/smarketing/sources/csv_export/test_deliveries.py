from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from smarketing.sources.csv_export import Mapping
from smarketing.sources.csv_export.deliveries import Delivery, find_deliveries
from smarketing.sources.errors import SourceError

if TYPE_CHECKING:
    from tests.plugins.smarketing.sources.csv_export.conftest import Folder

SERIES = "  leads: [{file: 'leads_{date}.csv', columns: {lead_id: id}}]\n"


def find(mapping: Mapping, night: str = "2024-01-31T02:00") -> list[Delivery]:
    return find_deliveries(mapping, datetime.fromisoformat(night).replace(tzinfo=UTC))


def faults(mapping: Mapping, night: str = "2024-01-31T02:00") -> list[str]:
    with pytest.raises(SourceError) as caught:
        find(mapping, night)
    return list(caught.value.faults)


def test_a_series_is_read_by_date_up_to_the_night(folder: Folder) -> None:
    for day in ("2024-01-10", "2024-01-09", "2023-12-31", "2024-02-01"):
        folder.write(f"leads_{day}.csv", "id\n1\n")
    folder.write("leads_latest.csv", "not ours")
    found = find(folder.mapping(SERIES), "2024-01-10T00:00")
    assert [str(delivery.date) for delivery in found] == ["2023-12-31", "2024-01-09", "2024-01-10"]


def test_the_night_is_a_day_in_utc(folder: Folder) -> None:
    folder.write("leads_2024-01-10.csv", "id\n1\n")
    known_at = datetime.fromisoformat("2024-01-10T01:00+02:00")
    with pytest.raises(SourceError, match="no file of leads is dated 2024-01-09 or before"):
        find_deliveries(folder.mapping(SERIES), known_at)


def test_an_optional_series_may_not_have_begun(folder: Folder) -> None:
    folder.write("leads_2024-01-10.csv", "id\n1\n")
    folder.write("merges_2024-03-01.csv", "a,b,at\n")
    merges = "{merged_lead_id: a, surviving_lead_id: b, merged: at}"
    mapping = folder.mapping(
        f"{SERIES}  merges: [{{file: 'merges_{{date}}.csv', columns: {merges}}}]"
    )
    assert [delivery.entity.name for delivery in find(mapping)] == ["leads"]


def test_no_folder_and_an_empty_one(folder: Folder) -> None:
    mapping = folder.mapping()
    assert faults(mapping) == [
        f"{folder.path}: the folder is empty; expected the exports to lie there"
    ]
    folder.path.rmdir()
    assert faults(mapping) == [f"{folder.path}: no such folder; correct `folder` in the mapping"]


def test_every_missing_file_and_wrong_header_is_told_at_once(folder: Folder) -> None:
    folder.write("lead.csv", "id,created,email,score\n")
    folder.write("owners.csv", "ID,Name,Name\n")
    folder.write("merges_2024-13-01.csv", "a,b,at\n")
    folder.write("spend.csv", "")
    folder.write("campaigns.csv", '"id"x\n')
    mapping = folder.mapping(
        """
  leads: [{file: leads.csv, columns: {lead_id: id}}]
  owners: [{file: owners.csv, columns: {owner_id: Id, name: Name}}]
  campaigns: [{file: campaigns.csv, columns: {campaign_id: id}}]
  spend: [{file: spend.csv, columns: {campaign_id: id, spent: day, amount: amount}}]
  merges:
    - file: "merges_{date}.csv"
      columns: {merged_lead_id: a, surviving_lead_id: b, merged: at}
"""
    )
    assert faults(mapping) == [
        f"leads.csv: missing from {folder.path}; the nearest name there is lead.csv."
        " Deliver the file, or correct or remove it in the mapping.",
        "owners.csv, line 1, column 'Id' (for owner_id): missing; found ID, Name, Name."
        " Did you mean 'ID'? Correct the mapping.",
        "owners.csv, line 1, column 'Name' (for name): found 2 times; expected once."
        " Rename one in the export.",
        "campaigns.csv, line 1: not a header: ',' expected after '\"';"
        " check `delimiter` and `quote`",
        *(
            f"spend.csv, line 1, column '{column}' (for {field}): the file is empty;"
            " expected a header line"
            for field, column in (("campaign_id", "id"), ("spent", "day"), ("amount", "amount"))
        ),
        "merges_2024-13-01.csv: 2024-13-01 is no date; rename the file or take it away",
    ]


def test_the_wrong_delimiter_shows_in_the_header(folder: Folder) -> None:
    folder.write("leads.csv", "id;created;email;score\n")
    assert faults(folder.mapping())[0] == (
        "leads.csv, line 1, column 'id' (for lead_id): missing; found id;created;email;score."
        " Correct the mapping."
    )


def test_a_file_that_grows_while_it_is_read_is_refused(folder: Folder) -> None:
    folder.write("leads.csv", "id,created,email,score\n")
    [delivery] = find(folder.mapping())
    delivery.check_unchanged()
    folder.write("leads.csv", "id,created,email,score\n1,,,\n")
    with pytest.raises(SourceError, match=r"leads\.csv: changed while it was read"):
        delivery.check_unchanged()
