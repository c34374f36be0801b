"""Who may call, how often, and what becomes of refusals, cut answers, and slow jobs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from smarketing.sources.api.connection import VendorConnection
from smarketing.sources.errors import ExhaustedError, SourceError, UnreachableError
from smarketing.sources.salesforce import streams

from tests.plugins.smarketing.sources.salesforce.conftest import BY_JOB, ENDS, Asked, Open, Org

ROTATED = "another-secret"


def test_a_refresh_token_opens_the_org(org: Org) -> None:
    keys = org.keys
    connection = org.connected(refresh_token=keys.refresh_token, client_secret=keys.client_secret)
    assert org.read("User", connection=connection).ids("users")


def test_a_jwt_opens_the_org(org: Org) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()

    class Signed(str):
        """Equals every assertion that the key has signed for this app."""

        __hash__ = str.__hash__

        def __ne__(self, other: object) -> bool:
            claims = jwt.decode(
                str(other), key.public_key(), algorithms=["RS256"], audience=org.url
            )
            return (claims["iss"], claims["sub"]) != (org.keys.client_id, org.keys.username)

    org.keys.assertion = Signed()
    connection = org.connected(private_key=pem, username=org.keys.username)
    assert org.read("User", connection=connection).ids("users")
    with pytest.raises(SourceError, match="private_key is no RSA key") as refused:
        org.read("User", connection=org.connected(private_key="secret", username="u"))
    assert "secret" not in str(refused.value)


def test_calls_go_where_the_token_says(open_org: Open) -> None:
    login, other = open_org(), open_org()
    other.vendor.keys._used = login.vendor.keys._used

    def elsewhere(asked: Asked, body: bytes) -> bytes:
        if not asked.path.endswith("/token"):
            return body
        return orjson.dumps(orjson.loads(body) | {"instance_url": other.url})

    login.recorder.spoil = elsewhere
    assert login.read("User").ids("users")
    assert [call.path for call in login.recorder.calls] == ["/services/oauth2/token"]
    assert other.recorder.calls


def test_a_rotated_refresh_token_is_used_and_told_of(
    org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    def rotate(asked: Asked, body: bytes) -> bytes:
        if not asked.path.endswith("/token") or b"access_token" not in body:
            return body
        org.keys.__class__.refresh_token = ROTATED
        return orjson.dumps(orjson.loads(body) | {"refresh_token": ROTATED})

    keys = org.keys
    original = keys.refresh_token
    connection = org.connected(refresh_token=original, client_secret=keys.client_secret)
    org.recorder.spoil = rotate
    org.order("expire", path="/query", times=1)
    try:
        with caplog.at_level(logging.WARNING):
            assert org.read("User", connection=connection).ids("users")
    finally:
        keys.__class__.refresh_token = original
    [record] = [one for one in caplog.records if "refresh token" in one.message]
    assert "Airflow connection salesforce" in record.message
    assert ROTATED not in record.message


def test_what_is_missing_in_the_connection_is_named(org: Org) -> None:
    with pytest.raises(SourceError, match="extra has no client_secret"):
        org.read("User", connection=org.connected())
    nowhere = VendorConnection("salesforce", extra={"client_id": "a", "client_secret": "b"})
    with pytest.raises(SourceError, match="My Domain host"):
        org.read("User", connection=nowhere)


def test_wrong_credentials_are_refused_at_once_and_stay_secret(org: Org) -> None:
    with pytest.raises(SourceError, match="Check the credentials") as refused:
        org.read("User", connection=org.connected(client_secret=ROTATED))
    assert ROTATED not in str(refused.value)
    assert len(org.recorder.calls) == 1


def test_a_session_that_ends_between_pages_is_renewed(org: Org, monkeypatch: Any) -> None:
    clean = org.read("Lead", "Task")
    monkeypatch.setattr("smarketing.sources.salesforce.api._LONGEST_PAGE", 10)
    org.order("expire", path="/query", every=2)
    before = len(org.recorder.calls)
    assert org.read("Lead", "Task").versions == clean.versions
    statuses = [call.status for call in org.recorder.calls[before:]]
    assert statuses.count(401) > 3
    assert org.slept == []


def test_a_session_that_never_holds_is_no_endless_loop(org: Org) -> None:
    org.order("expire", path="/services/data")
    with pytest.raises(SourceError, match="INVALID_SESSION_ID"):
        org.read("Lead")


@pytest.mark.parametrize("how", [{}, BY_JOB])
@pytest.mark.parametrize("kind", ["status", "cut", "truncate", "slow", "duplicate", "missing"])
def test_whatever_goes_wrong_now_and_then_the_same_is_read(
    org: Org, kind: str, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smarketing.sources.salesforce.api._LONGEST_PAGE", 20)
    monkeypatch.setattr(streams, "_RESULTS", 20)
    names = ("Lead", "LeadHistory", "deleted Lead")
    clean = org.read(*names, **how)
    org.order(kind, every=3, status=503, seconds=1)
    assert org.read(*names, **how).versions == clean.versions


def test_a_vendor_that_is_down_is_left_alone_after_a_while(org: Org) -> None:
    org.order("status", status=503, path="/query")
    with pytest.raises(UnreachableError, match="SERVER_UNAVAILABLE"):
        org.read("Lead")
    assert org.slept == [1, 2, 4, 8, 16]


def test_a_used_up_allocation_ends_the_reading(open_org: Open) -> None:
    org = open_org(throttled=True)
    told = org.read("User", share_of_calls=1.0)
    org.happen("quota")
    before = len(org.recorder.calls)
    with pytest.raises(ExhaustedError, match=r"REQUEST_LIMIT_EXCEEDED.*used up"):
        org.read("Lead", into=told, share_of_calls=1.0)
    assert len(org.recorder.calls) == before + 1
    assert org.slept == []


def test_reading_ends_ahead_of_the_refusal(open_org: Open) -> None:
    org = open_org(throttled=True, allocation=20)
    with pytest.raises(ExhaustedError, match="they are left to others"):
        org.read("Lead", "Task", "Event", "Account", "Campaign", "LeadHistory", share_of_calls=0.5)
    assert org.vendor._limits.used == 10


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("MALFORMED_QUERY", "fault of the extraction"),
        ("INVALID_TYPE", "access to the object"),
        ("INSUFFICIENT_ACCESS", "access to the object"),
    ],
)
def test_a_refusal_for_good_says_what_can_be_done(org: Org, code: str, advice: str) -> None:
    def refuse(asked: Asked, body: bytes) -> bytes:
        if not asked.path.endswith("/query"):
            return body
        return orjson.dumps([{"message": "no\nway", "errorCode": code, "fields": []}])

    org.recorder.spoil = refuse
    org.order("status", status=400, path="/query")
    with pytest.raises(SourceError, match=f"{code}: no way.*{advice}"):
        org.read("Lead")
    assert org.slept == []


def test_a_query_that_took_too_long_is_asked_again(org: Org) -> None:
    def refuse(asked: Asked, body: bytes) -> bytes:
        is_refused = asked.status == 400
        return b'[{"message": "too long", "errorCode": "QUERY_TIMEOUT"}]' if is_refused else body

    org.recorder.spoil = refuse
    org.order("status", status=400, path="/query", times=1)
    assert org.read("Lead").ids()
    assert org.slept == [1]


def test_a_job_is_waited_for(open_org: Open) -> None:
    org = open_org(throttled=True)
    org.is_timed = True
    told = org.read("Lead", **BY_JOB)
    assert told.ids() == {row.id for row in org.rows("Lead")}
    assert org.slept == [1, 2]


def test_a_killed_run_goes_on_with_its_job(open_org: Open) -> None:
    org = open_org(throttled=True)
    org.is_timed = True
    told = org.read("Lead", pages=2, **BY_JOB)
    job = told.cursors["Lead"]["reading"]["job"]["id"]
    org.read("Lead", into=told, **BY_JOB)
    assert told.ids() == {row.id for row in org.rows("Lead")}
    calls = [call for call in org.recorder.calls if "/jobs/query" in call.path]
    assert [call.path for call in calls[1:]] == [
        *["/services/data/v67.0/jobs/query/" + job] * (len(calls) - 2),
        f"/services/data/v67.0/jobs/query/{job}/results",
    ]


@pytest.mark.parametrize("fate", ["forgotten", "aborted"])
def test_a_job_that_is_gone_is_made_anew(open_org: Open, fate: str) -> None:
    org = open_org(throttled=True)
    org.is_timed = True
    told = org.read("Lead", pages=2, **BY_JOB)
    job = told.cursors["Lead"]["reading"]["job"]["id"]
    if fate == "aborted":
        org.call("PATCH", f"jobs/query/{job}", json={"state": "Aborted"})
        at = ENDS
    else:
        at = ENDS + timedelta(days=8)
        org.clock.set(at)
    org.read("Lead", into=told, known_at=at, **BY_JOB)
    assert told.ids() == {row.id for row in org.rows("Lead")}


def test_a_failed_job_is_explained(org: Org) -> None:
    def fail(asked: Asked, body: bytes) -> bytes:
        if "/jobs/query/750" not in asked.path:
            return body
        return orjson.dumps(orjson.loads(body) | {"state": "Failed", "errorMessage": "Why: this"})

    org.recorder.spoil = fail
    with pytest.raises(SourceError, match=r"is Failed: Why: this\. The next run starts another"):
        org.read("Lead", **BY_JOB)


def test_a_job_that_never_ends_is_left_for_the_next_run(org: Org) -> None:
    def stay(asked: Asked, body: bytes) -> bytes:
        if "/jobs/query/750" not in asked.path:
            return body
        return orjson.dumps(orjson.loads(body) | {"state": "InProgress"})

    org.recorder.spoil = stay
    with pytest.raises(UnreachableError, match="goes on with it"):
        org.read("User", **BY_JOB)
    assert sum(org.slept) > 3 * 3_600


def test_many_fields_go_by_job_as_no_address_is_so_long(org: Org) -> None:
    names = {f"Field_with_a_long_name_number_{number}__c" for number in range(400)}
    for name in names:
        org.happen("new_field", object="Lead", name=name, type="string")
    told = org.read("Lead")
    assert told.ids() == {row.id for row in org.rows("Lead")}
    assert not org.queries("Lead")
    with org.source() as source:
        [stream] = [one for one in source.streams() if one.name == "Lead"]
        list(stream.pages(told.cursors["Lead"]))
        missed = stream.missed(sorted(told.ids())[:3])  # type: ignore[attr-defined]
        assert sum(len(rows) for page in missed for rows in page.rows.values()) == 3
    assert max(len(call.query) for call in org.recorder.calls) < 15_000
