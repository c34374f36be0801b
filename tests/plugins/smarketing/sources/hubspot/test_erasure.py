"""Whom HubSpot has erased for privacy is erased here too, and no later page brings them back."""

from __future__ import annotations

import pytest
from smarketing.privacy import erasure
from smarketing.privacy.erasure import Erased, ErasureError, Warehouse, erase, erase_as_told
from smarketing.privacy.ledger import KEY_VARIABLE

from tests.nights.test_erasure import tables_with
from tests.plugins.smarketing.sources.hubspot.conftest import CONTACTS, Account

KEY = "a key that only the tests have"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def warehouse(account: Account) -> Warehouse:
    return Warehouse(account.uri, lambda: KEY)


def tell(account: Account) -> Erased:
    """What a night does when everything has been read."""
    return erase_as_told(warehouse(account))


def somebody(account: Account) -> tuple[str, str, str]:
    """The id, address and telephone number of somebody who was called, alone, and has a deal."""
    [(record, address, phone, _)] = account.rows(
        """
        select contact_id, email, phone, count(*)
        from raw_hubspot.contacts
        inner join raw_hubspot.engagements on contact_ids = '["' || contact_id || '"]'
        inner join raw_hubspot.deals using (contact_ids)
        where email <> '' and phone <> ''
        group by 1, 2, 3
        order by 4 desc, 1
        limit 1
        """
    )
    return record, address, phone


def counts(account: Account) -> list[tuple[object, ...]]:
    """What is counted, without whom."""
    return account.rows(
        """
        select 'calls', kind, direction, outcome, happened_at::text, owner_id,
            jsonb_array_length(contact_ids::jsonb)
        from raw_hubspot.engagements
        where _known_until is null
        union all
        select 'history', property, value, source_type, changed_at::text, null, null
        from raw_hubspot.property_history
        -- without an agreement, what few give as a reason is a word like any other
        where property not in ('email', 'second_email', 'phone', 'company', 'reason')
        union all
        select 'deals', stage, amount::text, currency, created_at::text, owner_id,
            jsonb_array_length(contact_ids::jsonb)
        from raw_hubspot.deals
        where _known_until is null
        union all
        select 'people', country, region, persona, channel, created_at::text, null
        from raw_hubspot.contacts
        order by 1, 2, 3, 4, 5, 6, 7
        """
    )


def test_whom_hubspot_erased_is_nobody_from_the_same_night_on(account: Account) -> None:
    account.night(0)
    record, address, phone = somebody(account)
    before = counts(account)
    account.clock.advance(3600)
    account.call("POST", f"{CONTACTS}/gdpr-delete", json={"objectId": record})
    # all is told anew, calls and deals without them
    account.run("delete from raw_hubspot._dlt_pipeline_state")
    account.night(1)
    told = tell(account)
    assert told.records == 1
    assert tables_with(account.uri, (record, address, phone)) == set()
    assert counts(account) == before
    assert account.rows("select origin, state from ops.erasures") == [("hubspot", "done")]
    # the person left when HubSpot said so, and no second time
    [(how, _)] = account.rows(
        "select how, record_id from raw_hubspot.deletions where starts_with(record_id, 'erased-')"
    )
    assert how == "vanished"

    # all is told once more, by whatever cause
    account.run("delete from raw_hubspot._dlt_pipeline_state")
    account.clock.advance(3600)
    extracted = account.night(2)
    assert tell(account).records == 0
    assert {count.records: count.held for count in extracted.counts}["contacts"] == (
        len(account.ids())
    )
    assert counts(account) == before
    assert tables_with(account.uri, (record, address, phone)) == set()


def test_by_hand_also_while_hubspot_still_has_them(account: Account) -> None:
    account.night(0)
    record, address, phone = somebody(account)
    before = counts(account)
    with pytest.raises(ErasureError, match="no system called 'hupsbot'"):
        erase(warehouse(account), [f"hupsbot:{record}"], reason="-", erased_by="somebody")
    account.run("insert into ops.systems (system, source) values ('hubspot', 'hubspot')")
    erased = erase(warehouse(account), [f"hubspot:{record}"], reason="-", erased_by="somebody")
    assert erased.records == 1
    # HubSpot changes them, and gives another contact of theirs the address
    account.clock.advance(3600)
    account.happen("change", kind="contacts", record=record, name="phone", value="+99 12345678")
    account.run("delete from raw_hubspot._dlt_pipeline_state")
    account.night(1)
    tell(account)
    account.night(2)
    assert tables_with(account.uri, (record, address, phone)) == set()
    assert tables_with(account.uri, ("+99 12345678",)) == set()
    assert counts(account) == before


def test_too_many_at_once_are_no_people_who_asked(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_MOST_VANISHED", 1)
    account.night(0)
    account.clock.advance(3600)
    for record in account.ids()[:3]:
        account.call("POST", f"{CONTACTS}/gdpr-delete", json={"objectId": record})
    account.night(1)
    told = tell(account)
    assert told.records == 0
    assert "3 contacts vanished" in told.notes[0]
