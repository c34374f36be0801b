"""What others have met with Marketo (M1 to M8), and what is odd about it beside that."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from smarketing.sandbox.vendors.faults import Fault
from smarketing.sources.api.client import Again, Client, Refused, RefusedError, Renew
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.api.tables import TableRows
from smarketing.sources.errors import SourceError, UnreachableError
from smarketing.sources.marketo.api import Api, instant
from smarketing.sources.marketo.jobs import quota_day
from smarketing.sources.marketo.records import LeadFile, activity_rows
from smarketing.sources.marketo.tables import ACTIVITIES, LEADS
from smarketing.sources.marketo.vendor import IS_QUEUED, QUEUE_FULL, QUOTA_USED_UP, Marketo

from tests.plugins.smarketing.sandbox.vendors.marketo import ACTIVITIES as ACTIVITY_JOBS
from tests.plugins.smarketing.sandbox.vendors.marketo import ENDS, Served
from tests.plugins.smarketing.sandbox.vendors.marketo import LEADS as LEAD_JOBS
from tests.plugins.smarketing.sources.marketo.conftest import Serve
from tests.plugins.smarketing.sources.marketo.reading import Reading, settings

DAY = timedelta(days=1)
RECENT = settings(since=(ENDS - 20 * DAY).date())


def calls_to(marketo: Served, path: str) -> list[str]:
    """From now on the calls to paths that contain a text."""
    seen: list[str] = []
    app = marketo.vendor.app

    async def spy(scope: Any, receive: Any, send: Any) -> None:
        if path in scope["path"]:
            seen.append(scope["path"])
        await app(scope, receive, send)

    marketo.vendor.app = spy
    return seen


def vendor() -> Marketo:
    return Marketo(settings(), VendorConnection("marketo", "https://host.example"))


def judged(content: Any) -> Any:
    return vendor().judge(httpx.Response(200, json=content))


def refusal(code: str, message: str = "no") -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": message}]}


def test_m1_without_corona_all_leads_are_read_every_night(serve: Serve) -> None:
    marketo = serve(ENDS - DAY)
    reading = Reading(marketo, RECENT).night(ENDS - DAY)
    marketo.order("no_corona")
    marketo.clock.set(ENDS)
    reading.night(ENDS)
    assert reading.told()["leads"] == Reading(marketo, RECENT).night(ENDS).told()["leads"]
    [note] = reading.notes
    assert "1035" in note
    assert reading.cursors["leads"]["since"] == ENDS.isoformat()
    assert "is_full" not in reading.cursors["leads"]


def test_m2_what_comes_late_is_found_by_looking_back(serve: Serve) -> None:
    marketo = serve(ENDS)
    reading = Reading(marketo, RECENT).night(ENDS)
    before = len(reading.rows["activities"])
    # both are known only after the night, and happened before its end
    marketo.clock.set(ENDS - DAY / 24)
    marketo.order("bulk_edit")
    marketo.order("import", count=3)
    marketo.clock.set(ENDS + DAY)
    reading.night(ENDS + DAY)
    names = {row["company"] for row in reading.rows["leads"].values()}
    assert {"Import, row 1", "Import, row 2", "Import, row 3"} <= names
    assert len(reading.rows["activities"]) > before + 200


def test_m3_values_of_files_are_as_they_were_typed() -> None:
    header = "id,email,createdAt,updatedAt,company,leadScore,note"
    lines = [
        '1,null,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,"東京, 株式会社",10,日本',
        '2,a@b.example,2026-01-01T00:00:00Z,null,"two\rlines",10.5,"says ""yes"""',
        "3,null,2026-01-01T00:00:00Z,null,NUL\0byte,7,null",
        "4,null,2026-01-01T00:00:00Z,null,null,null,half a \udcff character",
    ]
    file = io.BytesIO("\n".join([header, *lines, ""]).encode(errors="surrogateescape"))
    columns = {
        "lead_id": "id", "email": "email", "created_at": "createdAt", "updated_at": "updatedAt",
        "company": "company", "score": "leadScore",
    }  # fmt: skip
    rows, unreadable = TableRows(LEADS, "marketo"), []
    for told in LeadFile(columns, ("note",)).rows(file):
        unreadable += rows.add(told["leads"])
    [batch] = rows.batches()
    assert [
        (row["email"], row["company"], row["score"], row["custom"]) for row in batch.to_pylist()
    ] == [
        (None, "東京, 株式会社", 10, '{"note":"日本"}'),
        ("a@b.example", "two\rlines", 10.5, '{"note":"says \\"yes\\""}'),
        (None, None, 7, "{}"),
        (None, None, None, '{"note":"half a \\\\xff character"}'),
    ]
    assert [(one.column, one.value) for one in unreadable] == [("company", "NUL\\x00byte")]


def test_m3_nul_in_every_row_loses_a_value_and_no_row(serve: Serve, recent: Reading) -> None:
    marketo = serve()
    marketo.order("nul")
    reading = Reading(marketo, RECENT).night(ENDS)
    assert reading.rows["leads"].keys() == recent.rows["leads"].keys()
    named = [row for row in recent.rows["leads"].values() if row["company"]]
    assert len(reading.unreadable) == len(named) > 5
    assert not any(row["company"] for row in reading.rows["leads"].values())


@pytest.fixture(scope="module")
def recent(shared: Served) -> Reading:
    shared.clock.set(ENDS)
    return Reading(shared, RECENT).night(ENDS)


def test_m3_nul_in_an_own_field_is_no_json_of_a_database() -> None:
    header = "id,email,createdAt,updatedAt,note\n"
    file = io.BytesIO(f"{header}1,null,2026-01-01T00:00:00Z,null,a\0b\n".encode())
    columns = {
        "lead_id": "id", "email": "email", "created_at": "createdAt", "updated_at": "updatedAt",
    }  # fmt: skip
    rows = TableRows(LEADS, "marketo")
    [told] = LeadFile(columns, ("note",)).rows(file)
    [unreadable] = rows.add(told["leads"])
    assert (unreadable.column, unreadable.is_row_lost) == ("custom", False)


def test_m4_an_answer_without_result_is_empty(marketo: Served) -> None:
    assert judged({"success": True, "requestId": "1"}) is None
    reading = Reading(marketo, RECENT).night(ENDS, only="deletions")
    assert reading.rows["deletions"] == {}


def test_m4_calls_used_up_are_told_as_such_and_not_tried_again(serve: Serve) -> None:
    marketo = serve(throttled=True)
    reading = Reading(marketo)
    marketo.order("quota", of="calls")
    with pytest.raises(RefusedError, match=r"607 Daily quota reached.*midnight in US Central"):
        reading.night(ENDS)
    assert reading.waits == []


def test_m4_a_field_that_is_gone_is_said_before_it_is_asked_for(serve: Serve) -> None:
    marketo = serve(ENDS - DAY)
    reading = Reading(marketo, RECENT).night(ENDS - DAY)
    marketo.order("drop_field", name="region")
    jobs = calls_to(marketo, "leads/export/create")
    marketo.clock.set(ENDS)
    with pytest.raises(SourceError, match="there is no field region, which fills our region"):
        reading.night(ENDS)
    assert jobs == []


def test_m4_first_day_is_that_of_all_windows(marketo: Served) -> None:
    reading = Reading(marketo, RECENT).night(ENDS)
    begins = datetime.combine(RECENT.since or ENDS, datetime.min.time(), UTC)
    for table, column in (("leads", "created_at"), ("activities", "happened_at")):
        assert min(row[column] for row in reading.rows[table].values()) >= begins


def test_m5_a_job_waits_for_a_place_in_the_queue(serve: Serve) -> None:
    marketo = serve(throttled=True)
    wish = {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-11-02T00:00:00Z"}
    for _ in range(10):
        [job] = marketo.post(f"{ACTIVITY_JOBS}/create.json", {"filter": {"createdAt": wish}})[
            "result"
        ]
        marketo.post(f"{ACTIVITY_JOBS}/{job['exportId']}/enqueue.json")
    reading = Reading(marketo, RECENT).night(ENDS, only="leads")
    assert len(reading.rows["leads"]) > 5
    assert reading.waits == [60.0] * len(reading.waits)
    assert len(reading.waits) > 3


def test_m5_exports_used_up_stop_a_stream_which_goes_on_another_day(
    serve: Serve, recent: Reading
) -> None:
    marketo = serve()
    reading = Reading(marketo, RECENT)
    marketo.order("quota", of="export")
    jobs = calls_to(marketo, "create.json")
    with pytest.raises(RefusedError, match=r"daily quota.*midnight in US Central") as caught:
        reading.night(ENDS, only="leads")
    assert caught.value.code == QUOTA_USED_UP
    assert len(jobs) == 1
    assert reading.waits == []
    marketo.clock.set(ENDS + DAY)
    reading.night(ENDS, only="leads")
    assert reading.rows["leads"].keys() == recent.rows["leads"].keys()


def test_m5_a_job_that_is_queued_already_is_waited_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    marketo = serve()
    queue = Api.queue_job

    def twice(self: Api, kind: str, job: str) -> None:
        queue(self, kind, job)
        raise RefusedError("1029 Job already queued", IS_QUEUED)

    monkeypatch.setattr(Api, "queue_job", twice)
    assert len(Reading(marketo, RECENT).night(ENDS, only="leads").rows["leads"]) > 5


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Too many jobs in queue", QUEUE_FULL),
        ("Export daily quota exceeded", QUOTA_USED_UP),
        ("Job already queued", IS_QUEUED),
    ],
)
def test_m5_only_the_message_says_what_1029_means(message: str, code: str) -> None:
    assert judged(refusal("1029", message)).code == code


def test_m6_leads_that_vanish_without_a_word_are_missed(serve: Serve) -> None:
    marketo = serve(ENDS - 100 * DAY)
    reading = Reading(marketo).night(ENDS - 100 * DAY)
    # the log has forgotten it by the next night
    gone = next(iter(reading.live().values()))
    deleted_at = int((ENDS - 20 * DAY).timestamp())
    marketo.vendor._instance.leads[int(gone["lead_id"])].deleted = deleted_at
    marketo.clock.set(ENDS)
    reading.night(ENDS)
    clean = Reading(marketo).night(ENDS)
    assert {row["lead_id"] for row in reading.live().values()} == {
        row["lead_id"] for row in clean.live().values()
    }
    assert reading.rows["deletions"][gone["_record_key"]]["how"] == "vanished"
    assert any("vanished" in note for note in reading.notes)


def test_m6_every_lead_is_looked_for_once_a_week(serve: Serve) -> None:
    marketo = serve()
    reading = Reading(marketo, RECENT).night(ENDS)
    gone = next(iter(reading.live().values()))
    # of this nobody tells
    marketo.vendor._instance.leads[int(gone["lead_id"])].deleted = int(ENDS.timestamp()) + 1
    missed = []
    for night in range(1, 8):
        marketo.clock.set(ENDS + night * DAY)
        reading.night(ENDS + night * DAY)
        missed.append(gone["_record_key"] not in reading.live())
    assert missed[-1]
    assert reading.rows["deletions"][gone["_record_key"]]["how"] == "vanished"


def test_m6_losers_of_merges_are_taken_from_the_log(clean: Reading) -> None:
    assert len(clean.rows["merges"]) > 3
    for row in clean.rows["merges"].values():
        assert row["merged_id"] != row["surviving_id"]
        assert f'["marketo","{row["merged_id"]}"]' not in clean.rows["leads"]


def test_m6_merges_are_read_in_either_spelling() -> None:
    header = (
        "marketoGUID,leadId,activityDate,activityTypeId,campaignId,primaryAttributeValueId,"
        "primaryAttributeValue,attributes\n"
    )
    lines = (
        '1,7,2026-01-01T00:00:00Z,32,null,7,Ann,"{""Merge IDs"":""[5, 6]""}"\n'
        '2,9,2026-01-02T00:00:00Z,32,null,7,Ann,"{""merge_ids"":[8]}"\n'
        "3,9,2026-01-02T00:00:00Z,32,null,7,Ann,{no json\n"
    )
    [told] = activity_rows(io.BytesIO((header + lines).encode()))
    assert [(row["merged_id"], row["surviving_id"]) for row in told["merges"]] == [
        ("5", "7"), ("6", "7"), ("8", "7"),
    ]  # fmt: skip
    [unreadable] = TableRows(ACTIVITIES, "marketo").add(told["activities"])
    assert (unreadable.column, unreadable.value) == ("attributes", "{no json")


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        # standard time: both midnights are one
        ("2026-01-10T05:59:59+00:00", "2026-01-09T06:00:00+00:00"),
        ("2026-01-10T06:00:00+00:00", "2026-01-10T06:00:00+00:00"),
        # daylight time: the clocks' midnight has passed, that of standard time has not
        ("2026-07-10T05:30:00+00:00", "2026-07-09T06:00:00+00:00"),
        ("2026-07-10T06:30:00+00:00", "2026-07-10T05:00:00+00:00"),
        # the days on which clocks change
        ("2026-03-08T12:00:00+00:00", "2026-03-08T06:00:00+00:00"),
        ("2026-11-01T12:00:00+00:00", "2026-11-01T05:00:00+00:00"),
    ],
)
def test_m8_a_day_begins_at_the_earlier_of_two_midnights(now: str, begins: str) -> None:
    assert quota_day(datetime.fromisoformat(now)) == datetime.fromisoformat(begins)


def test_m8_a_first_load_leaves_room_for_the_nights(serve: Serve) -> None:
    marketo = serve(ENDS - DAY)
    share = settings(megabytes_per_day=1, first_load_share=0.00001)
    reading = Reading(marketo, share)
    # a window a day: an empty one is not paid for
    for night in range(4):
        marketo.clock.set(ENDS + night * DAY)
        with pytest.raises(SourceError, match="first_load_share"):
            reading.night(ENDS, only="leads")
    reading.settings = settings()
    reading.night(ENDS, only="leads")
    assert reading.rows["leads"].keys() == Reading(marketo).night(ENDS).rows["leads"].keys()


@pytest.mark.parametrize("code", ["502", "604", "608", "611", "614", "615", "713"])
def test_what_passes_is_tried_again(code: str) -> None:
    assert isinstance(judged(refusal(code)), Again)


def test_a_window_that_is_full_is_waited_for() -> None:
    assert judged(refusal("606")) == Again("606 no", 20)


@pytest.mark.parametrize("code", ["601", "602"])
def test_a_token_that_ended_is_renewed(code: str) -> None:
    assert isinstance(judged(refusal(code)), Renew)


@pytest.mark.parametrize("code", ["603", "607", "610", "1003", "1035"])
def test_what_will_never_do_is_refused(code: str) -> None:
    verdict = judged(refusal(code))
    assert isinstance(verdict, Refused)
    assert verdict.code == code


def test_an_answer_that_says_nothing_is_asked_for_again() -> None:
    assert isinstance(judged([]), Again)
    assert isinstance(judged({"success": False}), Again)
    assert judged(refusal("702")) is None


@pytest.mark.parametrize(
    "told",
    [
        "2015-08-24T20:17:23Z",
        "2015-08-24T20:17:23+0000",
        "2015-08-24T12:17:23-08:00",
        "2015-08-24T20:17:23Z+0000",
    ],
)
def test_all_four_ways_of_telling_an_instant_are_read(told: str) -> None:
    assert instant(told) == datetime(2015, 8, 24, 20, 17, 23, tzinfo=UTC)


def test_a_failed_job_is_made_anew_but_not_for_ever(serve: Serve) -> None:
    marketo = serve(throttled=True)
    reading = Reading(marketo, RECENT)
    sleep = reading._sleep

    def failing(seconds: float) -> None:
        marketo.order("export_failure")
        sleep(seconds)

    reading._sleep = failing  # type: ignore[method-assign]
    jobs = calls_to(marketo, "create.json")
    with pytest.raises(UnreachableError, match="3 jobs came to no good end"):
        reading.night(ENDS, only="leads")
    assert len(jobs) == 3
    reading._sleep = sleep  # type: ignore[method-assign]
    assert len(reading.night(ENDS, only="leads").rows["leads"]) > 5


@pytest.mark.parametrize("job", ["no such job", None, 7])
def test_a_job_that_nobody_knows_is_made_anew(serve: Serve, recent: Reading, job: Any) -> None:
    reading = Reading(serve(), RECENT)
    window = {"startAt": "2026-10-31T00:00:00Z", "endAt": "2026-11-20T02:00:00Z"}
    wish = {"fields": recent_fields(recent), "filter": {"createdAt": window}}
    reading.cursors["leads"] = {"job": {"id": job, "wish": wish}}
    assert reading.night(ENDS, only="leads").rows["leads"].keys() == recent.rows["leads"].keys()


def recent_fields(reading: Reading) -> list[str]:
    fields = [row["name"] for row in reading.rows["fields"].values() if row["is_read"]]
    assert fields
    return fields


def test_a_job_cancelled_by_somebody_is_made_anew(serve: Serve) -> None:
    marketo = serve(throttled=True)
    reading = Reading(marketo, RECENT)
    cancelled: list[Any] = []
    sleep = reading._sleep

    def cancelling(seconds: float) -> None:
        if not cancelled:
            [job] = marketo.get(f"{LEAD_JOBS}.json")["result"]
            cancelled.append(marketo.post(f"{LEAD_JOBS}/{job['exportId']}/cancel.json"))
        sleep(seconds)

    reading._sleep = cancelling  # type: ignore[method-assign]
    assert len(reading.night(ENDS, only="leads").rows["leads"]) > 5


def test_a_cut_file_goes_on_where_it_was_cut(
    marketo: Served, recent: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins: list[int] = []
    file = Api.file

    def noted(self: Api, kind: str, job: str, begin: int) -> Any:
        begins.append(begin)
        return file(self, kind, job, begin)

    monkeypatch.setattr(Api, "file", noted)
    marketo.simulator.faults.order(Fault("truncate", path="/file.json", times=3))
    reading = Reading(marketo, RECENT).night(ENDS, only="leads")
    assert reading.rows["leads"].keys() == recent.rows["leads"].keys()
    assert begins == sorted(set(begins))
    assert len(begins) == 4


def test_a_file_unlike_its_checksum_is_brought_again(
    marketo: Served, recent: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled: list[str] = []
    read = httpx.Response.iter_bytes

    def spoil(self: httpx.Response, chunk_size: int | None = None) -> Any:
        for block in read(self, chunk_size):
            yield block if spoiled else block.replace(b"Americas", b"Americus")
        if self.url.path.endswith("/file.json"):
            spoiled.append(self.url.path)

    monkeypatch.setattr(httpx.Response, "iter_bytes", spoil)
    reading = Reading(marketo, RECENT).night(ENDS, only="leads")
    assert reading.rows["leads"].keys() == recent.rows["leads"].keys()
    assert "Americus" not in {row["region"] for row in reading.rows["leads"].values()}
    assert len(spoiled) == 2


def test_a_file_that_is_always_spoiled_is_given_up(
    marketo: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = httpx.Response.iter_bytes

    def spoil(self: httpx.Response, chunk_size: int | None = None) -> Any:
        return (block.replace(b"Americas", b"Americus") for block in read(self, chunk_size))

    monkeypatch.setattr(httpx.Response, "iter_bytes", spoil)
    with pytest.raises(UnreachableError, match="does not match its checksum"):
        Reading(marketo, RECENT).night(ENDS, only="leads")


@pytest.mark.parametrize(
    "cursor",
    [
        {},
        {"since": None},
        {"since": "yesterday", "until": 7, "next": "2026-11-19", "job": "none"},
        {"types": None, "job": None, "next": None},
        {"types": [], "until": "", "end": ""},
    ],
)
def test_a_cursor_that_says_nothing_begins_anew(
    marketo: Served, recent: Reading, cursor: dict[str, Any]
) -> None:
    reading = Reading(marketo, RECENT)
    names = ("leads", "activities", "program_members", "deletions", "programs")
    reading.cursors = {name: dict(cursor) for name in names}
    assert reading.night(ENDS).told() == recent.told()


def test_a_cursor_of_the_future_is_left_alone(marketo: Served) -> None:
    reading = Reading(marketo, RECENT)
    future = (ENDS + DAY).isoformat()
    reading.cursors = {
        "leads": {"since": future}, "activities": {"since": future},
        "program_members": {"since": future},
    }  # fmt: skip
    reading.night(ENDS)
    assert not reading.rows["leads"]
    assert reading.cursors["leads"]["since"] == future


def test_new_and_changed_fields_are_reported(serve: Serve) -> None:
    marketo = serve(ENDS - DAY)
    reading = Reading(marketo, RECENT).night(ENDS - DAY)
    marketo.order("new_field", name="favouriteColour", value="blue")
    marketo.order("retype_field", name="leadScore", type="float")
    marketo.clock.set(ENDS)
    reading.night(ENDS)
    assert reading.notes == [
        "Marketo leads: new field favouriteColour (string), read from now on",
        "Marketo leads: leadScore was integer and is float now",
    ]
    customs = [row["custom"] for row in reading.live().values() if row["created_at"] <= ENDS - DAY]
    assert len(customs) > 5
    assert all('"favouriteColour":"blue"' in custom for custom in customs)


def test_what_must_never_be_read_is_not_asked_for(marketo: Served) -> None:
    reading = Reading(marketo, settings(never=("phone", "lastBulkEdit"), since=RECENT.since)).night(
        ENDS
    )
    read = {row["name"] for row in reading.rows["fields"].values() if row["is_read"]}
    assert not read & {"phone", "lastBulkEdit", "fullName", "firstName"}
    assert not any(row["phone"] for row in reading.rows["leads"].values())


def test_a_formula_fills_no_column(marketo: Served) -> None:
    reading = Reading(marketo, settings(leads={"persona": "fullName"}))
    with pytest.raises(SourceError, match="fullName is a formula"):
        reading.night(ENDS, only="leads")


def test_costs_taken_back_are_nothing_any_more(serve: Serve) -> None:
    marketo = serve(ENDS - DAY)
    reading = Reading(marketo, RECENT).night(ENDS - DAY)
    spend = dict(reading.rows["spend"])
    key = min(spend)
    taken_back = '["marketo","1001","19000"]'
    reading.rows["spend"][taken_back] = {"amount": 5, "_record_key": taken_back}
    marketo.clock.set(ENDS)
    reading.night(ENDS)
    assert reading.rows["spend"][taken_back]["amount"] == 0
    assert reading.rows["spend"][key]["amount"] == spend[key]["amount"]


def test_credentials_are_named_and_not_shown(marketo: Served) -> None:
    wrong = VendorConnection("marketo", marketo.url, login="id", password="a-secret")  # noqa: S106
    client = Client(Marketo(settings(), wrong), marketo.url)
    with pytest.raises(SourceError, match="Check the credentials") as caught:
        Api(client).fields()
    assert "a-secret" not in str(caught.value)
    empty = VendorConnection("marketo", marketo.url)
    with pytest.raises(SourceError, match="client id and client secret"):
        Api(Client(Marketo(settings(), empty), marketo.url)).fields()


def test_calls_stay_within_the_window(serve: Serve) -> None:
    marketo = serve(throttled=True)
    keys, now = marketo.vendor.keys, [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        marketo.clock.advance(seconds)

    connection = VendorConnection(
        "marketo", marketo.url, login=keys.client_id, password=keys.client_secret
    )
    guard = Marketo(
        settings(calls_per_20_seconds=50), connection, sleep=sleep, clock=lambda: now[0]
    )
    api = Api(Client(guard, marketo.url, sleep=sleep))
    for _ in range(230):
        api.activity_types()
    assert now[0] == 80
    assert marketo.get("/rest/v1/stats/errors.json")["result"][0]["total"] == 0
