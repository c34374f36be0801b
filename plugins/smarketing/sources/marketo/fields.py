"""Which fields of a lead are read, by what the instance has today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smarketing.sources.api.drift import VendorField, decide
from smarketing.sources.api.tables import Row
from smarketing.sources.errors import SourceError
from smarketing.sources.marketo.api import Told
from smarketing.sources.marketo.records import LEAD_FIELDS, USUAL_FIELDS, LeadFile
from smarketing.sources.marketo.settings import Settings

# Marketo says which fields are its own only to users who may change them. (Adobe, standard
# fields; and those that no list has, but every instance.)
_NAMES: Final = """
    acquisitionProgramId address annualRevenue anonymousIP billingCity billingCountry
    billingPostalCode billingState billingStreet blackListed blackListedCause city company
    contactCompany cookies country createdAt dateOfBirth department doNotCall doNotCallReason ecids
    email emailInvalid emailInvalidCause emailSuspended emailSuspendedAt emailSuspendedCause
    externalCompanyId externalSalesPersonId facebookDisplayName facebookId facebookPhotoURL
    facebookProfileURL facebookReach facebookReferredEnrollments facebookReferredVisits fax
    firstName gender id industry inferredCity inferredCompany inferredCountry
    inferredMetropolitanArea inferredPhoneAreaCode inferredPostalCode inferredStateRegion
    isAnonymous isLead jigsawContactId jigsawContactStatus lastName lastReferredEnrollment
    lastReferredVisit leadPartitionId leadPerson leadRevenueCycleModelId leadRevenueStageId leadRole
    leadScore leadSource leadStatus linkedInDisplayName linkedInId linkedInPhotoURL
    linkedInProfileURL linkedInReach linkedInReferredEnrollments linkedInReferredVisits mainPhone
    marketingSuspended marketingSuspendedCause middleName mktoAcquisitionDate mktoCompanyNotes
    mktoDoNotCallCause mktoIsCustomer mktoIsPartner mktoName mktoPersonNotes mobilePhone
    numberOfEmployees originalReferrer originalSearchEngine originalSearchPhrase originalSourceInfo
    originalSourceType personLevelEngagementScore personPrimaryLeadInterest personTimeZone
    personType phone postalCode priority rating registrationSourceInfo registrationSourceType
    relativeScore relativeUrgency salutation sfdcAccountId sfdcContactId sfdcId sfdcLeadId
    sfdcLeadOwnerId sfdcType sicCode site state syndicationId title totalReferredEnrollments
    totalReferredVisits twitterDisplayName twitterId twitterPhotoURL twitterProfileURL twitterReach
    twitterReferredEnrollments twitterReferredVisits unsubscribed unsubscribedReason updatedAt
    urgency website
"""
STANDARD: Final = frozenset(_NAMES.split())

_FORMULA: Final = "formula"


@dataclass(frozen=True)
class Described:
    """How files of leads are read tonight, and what to remember and to report of it."""

    file: LeadFile
    types: Mapping[str, str]
    rows: Sequence[Row]
    notes: Sequence[str]


def describe(
    fields: Sequence[Told], settings: Settings, known: Mapping[str, str] | None
) -> Described:
    """Decide what to ask of leads; ``known`` are the types as of the last reading.

    Raises:
        SourceError: a field that fills a column is not there, or cannot be asked for.
    """
    columns = _columns({str(one["name"]) for one in fields}, settings, known or {})
    formulas = {str(one["name"]) for one in fields if one["dataType"] == _FORMULA}
    if faults := [
        f"Marketo leads: {name} is a formula, which files do not have, but fills our {column}. "
        "Map another field."
        for column, name in columns.items()
        if name in formulas
    ]:
        raise SourceError(faults)
    decision = decide(
        "Marketo leads",
        _vendor_fields(fields),
        columns=columns,
        never=settings.never,
        known=known,
    )
    file = LeadFile(columns, decision.own)
    asked = {*file.fields}
    fills = {name: column for column, name in columns.items()}
    rows: list[Row] = [
        {
            "name": one["name"],
            "label": one.get("displayName"),
            "type": one["dataType"],
            "fills": fills.get(str(one["name"])),
            "is_own": one["name"] not in STANDARD,
            "is_read": one["name"] in asked,
        }
        for one in fields
    ]
    return Described(file, decision.types, rows, decision.notes)


def _columns(names: set[str], settings: Settings, known: Mapping[str, str]) -> dict[str, str]:
    """Our columns with their fields. What was there before has to be there still."""
    usual = {
        column: name
        for column, name in USUAL_FIELDS.items()
        if name not in settings.never and (name in names or name in known)
    }
    return LEAD_FIELDS | usual | settings.leads


def _vendor_fields(fields: Sequence[Told]) -> Iterable[VendorField]:
    for one in fields:
        if one["dataType"] != _FORMULA:
            name = str(one["name"])
            yield VendorField(name, str(one["dataType"]), is_own=name not in STANDARD)
