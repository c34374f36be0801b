"""Reading agreements: what comes out of a good folder, and what is said about a bad one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Protocol, get_args

import pytest
from smarketing.agreement import (
    AgreementError,
    Fault,
    UnknownVersionError,
    differences,
    find_version,
    read_agreement,
    read_draft,
)
from smarketing.agreement.commitments import Commitment, ConversionCommitment
from smarketing.agreement.contract import content_hash

from tests.plugins.smarketing.agreement.conftest import EVERY_CLAUSE

ROOT = Path(__file__).parents[4]


class WriteVersion(Protocol):
    def __call__(self, *changes: tuple[str, str], name: str = ...) -> Path: ...


def faults_of(folder: Path) -> list[Fault]:
    with pytest.raises(AgreementError) as refusal:
        read_agreement(folder)
    return refusal.value.faults


@pytest.mark.parametrize("path", ["agreements", "examples/olist/agreements"])
def test_the_agreements_of_this_repository_are_good(path: str) -> None:
    for version in read_agreement(ROOT / path).versions:
        commitments = version.contract.commitments
        assert {commitment.party for commitment in commitments} == {"marketing", "sales"}
        # what must be known is told at the first lead without it, and stops the night above 5%
        rules = [rule for rule in version.contract.qualification if rule.any_of]
        told = [(rule.stage, rule.test) for rule in rules if rule.severity == "warning"]
        gates = [(rule.stage, rule.test) for rule in rules if rule.severity == "critical"]
        assert told == gates != []
        assert {(rule.severity, rule.allowed) for rule in rules} == {
            ("warning", Decimal(0)),
            ("critical", Decimal("0.05")),
        }


def test_the_built_in_company_s_agreement_says_everything_that_one_can() -> None:
    *_, newest = read_agreement(ROOT / "agreements").versions
    contract = newest.contract
    assert contract.content().keys() == type(contract).model_fields.keys()
    assert {type(commitment) for commitment in contract.commitments} == {
        *get_args(get_args(Commitment)[0])
    }
    by_id = {commitment.id: commitment for commitment in contract.commitments}
    assert str(by_id["leads_worked"].promised) == "at least 300 leads"
    assert "at least 12 leads" in [str(part.promised) for part in by_id["sql_volume"].segments]


def test_versions_follow_each_other(write_version: WriteVersion, folder: Path) -> None:
    write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), name="2025-10-01.yml"
    )
    write_version()
    (folder / "README.md").write_text("not an agreement")
    versions = read_agreement(folder).versions
    assert [(v.contract.version, v.effective_until) for v in versions] == [
        ("v1", date(2025, 10, 1)),
        ("v2", None),
    ]


def test_amounts_are_read_with_their_units(write_version: WriteVersion, folder: Path) -> None:
    write_version()
    volume, conversion, cycle_time = read_agreement(folder).versions[0].contract.commitments
    assert str(volume.promised) == "at least 200 leads"
    assert conversion.promised.amount == Decimal("0.25")
    assert isinstance(conversion, ConversionCommitment)
    assert conversion.within == 30
    assert (cycle_time.promised.direction, cycle_time.promised.unit) == ("at_most", "days")
    assert [(s.dimension, s.value) for s in volume.segments] == [
        ("region", "APAC"),
        ("persona", "IT leader"),
    ]


def test_an_agreement_without_rules_reads_as_before_there_were_any(
    write_version: WriteVersion, folder: Path
) -> None:
    text = write_version().read_text()
    rules = text[text.index("qualification:") : text.index("commitments:")]
    write_version((rules, ""))
    contract = read_agreement(folder).versions[0].contract
    assert contract.qualification == ()
    assert "qualification" not in contract.content()


def test_a_calendar_without_the_newer_clauses_reads_as_before_there_were_any(
    write_version: WriteVersion, folder: Path
) -> None:
    write_version()
    office = read_agreement(folder).versions[0].contract.content()["calendars"]["office"]
    assert office.keys() == {"zone", "hours", "closed"}


RICH = """\
    exceptions:
      2025-12-24: ["09:00-13:00"]
      2025-07-05: ["10:00-12:00"]
      2025-07-07: []
    holidays: {country: ES, subdivision: MD}
    seasons:
      - {first_day: 2025-12-22, last_day: 2025-12-31, hours: {mon-fri: ["10:00-12:00"]}}
      - {first_day: 2025-07-01, last_day: 2025-08-31, hours: {mon-fri: ["08:00-15:00"]}}
    closed: [2025-05-01, 2025-12-26]
"""


@pytest.mark.parametrize(
    ("day", "windows"),
    [
        (date(2025, 6, 30), "09:00-14:00 15:00-18:00"),
        (date(2025, 7, 1), "08:00-15:00"),
        (date(2025, 8, 29), "08:00-15:00"),
        (date(2025, 9, 1), "09:00-14:00 15:00-18:00"),
        # no entry for the day
        (date(2025, 7, 6), ""),
        # an exception above the season, on a day open and on one closed
        (date(2025, 7, 7), ""),
        (date(2025, 7, 5), "10:00-12:00"),
        # a public holiday above the season, an own closed day too
        (date(2025, 12, 25), ""),
        (date(2025, 12, 26), ""),
        (date(2025, 12, 24), "09:00-13:00"),
        (date(2025, 12, 29), "10:00-12:00"),
        # of Madrid, not of Spain
        (date(2025, 5, 2), ""),
    ],
    ids=str,
)
def test_single_days_stand_above_seasons_and_these_above_the_week(
    write_version: WriteVersion, folder: Path, day: date, windows: str
) -> None:
    write_version(("    closed: [2025-05-01, 2025-12-25]\n", RICH))
    office = read_agreement(folder).versions[0].contract.calendars["office"]
    assert " ".join(map(str, office.windows_on(day))) == windows


def test_a_working_public_holiday(write_version: WriteVersion, folder: Path) -> None:
    write_version(
        (
            "    closed: [2025-05-01, 2025-12-25]\n",
            '    holidays: {country: ES}\n    exceptions: {2025-12-25: ["09:00-11:00"]}\n',
        )
    )
    office = read_agreement(folder).versions[0].contract.calendars["office"]
    assert list(map(str, office.windows_on(date(2025, 12, 25)))) == ["09:00-11:00"]


def test_the_content_of_a_calendar_is_plain_and_in_one_order(
    write_version: WriteVersion, folder: Path
) -> None:
    write_version(("    closed: [2025-05-01, 2025-12-25]\n", RICH))
    content = read_agreement(folder).versions[0].contract.content()
    office = content["calendars"]["office"]
    assert office["holidays"] == {"country": "ES", "subdivision": "MD"}
    assert office["exceptions"]["2025-12-24"] == ["09:00-13:00"]
    assert [season["first_day"] for season in office["seasons"]] == ["2025-07-01", "2025-12-22"]
    write_version(("    closed: [2025-05-01, 2025-12-25]\n", RICH.replace("08:00", "07:30")))
    changed = read_agreement(folder).versions[0].contract.content()
    assert content_hash(content) != content_hash(changed)
    assert list(map(str, differences(content, changed))) == [
        "Calendar office, season from 2025-07-01: hours mon-fri changed from 08:00-15:00 to"
        " 07:30-15:00"
    ]


def test_allowances_are_read_as_fractions(write_version: WriteVersion, folder: Path) -> None:
    write_version(("allowed: 2.5%", "allowed: 99.99 %"))
    reachable, persona = read_agreement(folder).versions[0].contract.qualification
    assert (reachable.any_of, reachable.allowed) == (("email", "phone"), Decimal(0))
    assert persona.allowed == Decimal("0.9999")
    assert persona.model_dump(mode="json")["allowed"] == "99.99%"


def test_content_is_what_is_agreed_and_not_how_it_is_written(
    write_version: WriteVersion, folder: Path
) -> None:
    write_version()
    plain = read_agreement(folder).versions[0].contract
    write_version(
        ("version: v1\nname: Test agreement", "# signed\nname: Test agreement\nversion: v1"),
        ("[2025-05-01, 2025-12-25]", "[2025-12-25, 2025-05-01]"),
        ("[Info, sales]", "[sales, info]"),
        ('[Lead, "Open "]', "[OPEN, lead]"),
        ('["09:00-14:00", "15:00-18:00"]', '["15:00-18:00", "09:00-14:00"]'),
        ("hours: 24x7", 'hours:\n      mon-sun: ["00:00 - 24:00"]'),
        ("at least 25%", "at least 25.0 %"),
        ("[phone, email]", "[email, phone]"),
        ("severity: warning", "severity: warning\n    allowed: 0.0 %"),
        ("allowed: 2.5%", "allowed: '2.50%'"),
    )
    respelled = read_agreement(folder).versions[0].contract
    assert content_hash(plain.content()) == content_hash(respelled.content())
    write_version(("at least 25%", "at least 26%"))
    changed = read_agreement(folder).versions[0].contract
    assert content_hash(plain.content()) != content_hash(changed.content())


@dataclass(frozen=True)
class Case:
    """One edit of the test agreement, and the one fault that it makes.

    ``on`` is text that only the line at fault holds, after the edit.
    """

    old: str
    new: str
    on: str
    path: str
    found: str
    remedy: str


MQL_TARGET = "target: at least 200 leads"
SHARE = "objective: at least 25%"

CASES = {
    "a stage that is not there, in a mapping": Case(
        "    mql: [Mark",
        "    mkl: [Mark",
        "mkl:",
        "mappings.crm.mkl",
        "the stage 'mkl'",
        "say one of",
    ),
    "a stage that is not there, in a commitment": Case(
        "from: mql", "from: mkl", "from: mkl", "commitments[1].from", "the stage 'mkl'", "lead, mql"
    ),
    "a detour as stage of a commitment": Case(
        "to: sql", "to: lost", "to: lost", "commitments[1].to", "the detour 'lost'", "lead, mql"
    ),
    "a detour as handoff": Case(
        "handoff:\n  stage: mql",
        "handoff:\n  stage: lost",
        "  stage: lost\n",
        "handoff.stage",
        "the detour 'lost'",
        "say one of",
    ),
    "one value for two stages": Case(
        "[Marketing Qualified]",
        "[Marketing Qualified, ' LEAD ']",
        "' LEAD '",
        "mappings.crm.mql[1]",
        "'LEAD' a second time",
        "remove one of the two",
    ),
    "a system that is not there": Case(
        "  forms:\n", "  formz:\n", "formz", "mappings.formz", "the system 'formz'", "crm, forms"
    ),
    "a stage twice": Case(
        "  detours:\n",
        "  detours:\n    - {stage: sql, label: Twice, definition: X.}\n",
        "label: Twice",
        "stages.detours[0].stage",
        "the stage 'sql' a second time",
        "rename one",
    ),
    "a zone that is not there": Case(
        "zone: Europe/London",
        "zone: Europe/Lundon",
        "Lundon",
        "calendars.night shift.zone",
        "'Europe/Lundon'",
        "say 'Europe/London'",
    ),
    "a zone without an area": Case(
        "zone: UTC", "zone: localtime", "localtime", "calendars.always.zone", "'localtime'", "say"
    ),
    "a negative target": Case(
        MQL_TARGET,
        "target: at least -5 leads",
        "-5",
        "commitments[0].target",
        "-5",
        "say 'at least 12 leads'",
    ),
    "a target of zero": Case(
        SHARE,
        "objective: at least 0%",
        "t 0%",
        "commitments[1].objective",
        "0%",
        "say 'at least 25%'",
    ),
    "a share above everything": Case(
        SHARE,
        "objective: at least 101%",
        "101%",
        "commitments[1].objective",
        "101%",
        "say 'at least 25%'",
    ),
    "a share as a number": Case(
        SHARE,
        "objective: 25",
        "objective: 25\n",
        "commitments[1].objective",
        "25",
        "say 'at least 25%'",
    ),
    "a share as a fraction": Case(
        SHARE, "objective: 0.25", "0.25", "commitments[1].objective", "0.25", "say 'at least 25%'"
    ),
    "a share without its sign": Case(
        SHARE,
        "objective: at least 25",
        "t 25\n",
        "commitments[1].objective",
        "25'",
        "say 'at least 25%'",
    ),
    "a count without its unit": Case(
        MQL_TARGET, "target: 200", "200", "commitments[0].target", "200", "say 'at least 12 leads'"
    ),
    "half a lead": Case(
        MQL_TARGET, "target: at least 2.5 leads", "2.5 leads", "commitments[0].target", "2.5", "say"
    ),
    "a duration without its unit": Case(
        "within: 30 calendar days",
        "within: 30",
        "within: 30\n",
        "commitments[1].within",
        "30",
        "say '30 calendar days'",
    ),
    "a duration of nothing": Case(
        "within: 30 calendar days",
        "within: 0 calendar days",
        "0 calendar days\n    minimum_sample: 20",
        "commitments[1].within",
        "'0 calendar days'",
        "say '30 calendar days'",
    ),
    "a unit of another metric": Case(
        "at most 45 calendar days",
        "at most 45%",
        "45%",
        "commitments[2].target",
        "45%",
        "say 'at most 45 calendar days'",
    ),
    "a stage that is not there, in a rule": Case(
        "stage: mql\n    any_of: [persona]",
        "stage: mkl\n    any_of: [persona]",
        "stage: mkl",
        "qualification[1].stage",
        "the stage 'mkl'",
        "lead, mql",
    ),
    "a detour as stage of a rule": Case(
        "stage: mql\n    any_of: [persona]",
        "stage: lost\n    any_of: [persona]",
        "stage: lost\n",
        "qualification[1].stage",
        "the detour 'lost'",
        "lead, mql",
    ),
    "a field that is not there": Case(
        "[phone, email]",
        "[phone, e-mail]",
        "e-mail",
        "qualification[0].any_of[1]",
        "'e-mail'",
        "choose one",
    ),
    "a field twice": Case(
        "[phone, email]",
        "[phone, phone]",
        "[phone",
        "qualification[0].any_of",
        "'phone' twice",
        "remove one of the two",
    ),
    "a rule on no field": Case(
        "[phone, email]",
        "[]",
        "any_of: []",
        "qualification[0].any_of",
        "an empty list",
        "add what is missing",
    ),
    "a field where a list belongs": Case(
        "any_of: [persona]",
        "any_of: persona",
        "any_of: persona",
        "qualification[1].any_of",
        "'persona'",
        "write '[one, two]'",
    ),
    "a rule twice": Case(
        "name: mql_persona",
        "name: mql_reachable",
        "name: mql_reachable\n    stage: mql\n    any_of: [persona]",
        "qualification[1].name",
        "the rule 'mql_reachable' a second time",
        "another name",
    ),
    "a severity that nobody knows": Case(
        "severity: critical",
        "severity: info",
        "severity: info",
        "qualification[1].severity",
        "'info'",
        "choose one",
    ),
    "an allowance without its sign": Case(
        "allowed: 2.5%", "allowed: 2", "allowed: 2\n", "qualification[1].allowed", "2", "say '2%'"
    ),
    "an allowance as text without its sign": Case(
        "allowed: 2.5%", "allowed: '2'", "'2'", "qualification[1].allowed", "'2'", "say '2%'"
    ),
    "an allowance as a fraction": Case(
        "allowed: 2.5%", "allowed: 0.02", "0.02", "qualification[1].allowed", "0.02", "say '2%'"
    ),
    "a negative allowance": Case(
        "allowed: 2.5%", "allowed: -1%", "-1%", "qualification[1].allowed", "'-1%'", "say '2%'"
    ),
    "an allowance for everybody": Case(
        "allowed: 2.5%",
        "allowed: 100%",
        "100%",
        "qualification[1].allowed",
        "'100%'",
        "lower it, or remove the rule",
    ),
    "a rule without words": Case(
        "    statement: Known.\n",
        "",
        "- name: mql_persona",
        "qualification[1].statement",
        "nothing",
        "add 'statement:'",
    ),
    "a commitment twice": Case(
        "id: mql_to_sql",
        "id: mql_volume",
        "id: mql_volume\n    party: sales",
        "commitments[1].id",
        "'mql_volume' a second time",
        "another id",
    ),
    "from the later stage to the earlier": Case(
        "from: mql",
        "from: customer",
        "from: customer",
        "commitments[1].from",
        "'customer' to 'sql'",
        "earlier stage",
    ),
    "from a stage to itself": Case(
        "from: mql",
        "from: sql",
        "from: sql\n    to: sql",
        "commitments[1].from",
        "'sql' to 'sql'",
        "earlier stage",
    ),
    "a date that does not exist": Case(
        "effective_from: 2025-04-01",
        "effective_from: 2025-02-30",
        "02-30",
        "effective_from",
        "'2025-02-30'",
        "2025-04-01",
    ),
    "a date as text": Case(
        "effective_from: 2025-04-01",
        "effective_from: '2025-04-01'",
        "'2025",
        "effective_from",
        "'2025-04-01'",
        "write it like 2025-04-01",
    ),
    "a closed day that does not exist": Case(
        "2025-12-25]",
        "2025-13-25]",
        "13-25",
        "calendars.office.closed[1]",
        "'2025-13-25'",
        "write it like",
    ),
    "a calendar that never opens": Case(
        'mon-fri: ["22:00-06:00"]',
        "mon-fri: []",
        "night shift:",
        "calendars.night shift",
        "no day on which it opens",
        "give hours",
    ),
    "a calendar that public holidays leave nothing of": Case(
        'hours:\n      mon-fri: ["22:00-06:00"]',
        "hours: {mon-sun: []}\n"
        "    holidays: {country: GB}\n"
        "    seasons: [{first_day: 2025-12-25, last_day: 2025-12-26, hours: 24x7}]",
        "night shift:",
        "calendars.night shift",
        "no day on which it opens",
        "see which days they leave open",
    ),
    "a calendar that its closed days leave nothing of": Case(
        'hours:\n      mon-fri: ["22:00-06:00"]',
        "hours: {mon-sun: []}\n"
        "    closed: [2025-07-04]\n"
        "    exceptions: {2025-07-05: []}\n"
        "    seasons: [{first_day: 2025-07-04, last_day: 2025-07-05, hours: 24x7}]",
        "night shift:",
        "calendars.night shift",
        "no day on which it opens",
        "give hours",
    ),
    "a country by its name": Case(
        "closed: [",
        "holidays: {country: Spain}\n    closed: [",
        "country: Spain",
        "calendars.office.holidays",
        "the country 'Spain'",
        "say 'ES'",
    ),
    "a country that is none": Case(
        "closed: [",
        "holidays: {country: QQ}\n    closed: [",
        "country: QQ",
        "calendars.office.holidays",
        "the country 'QQ'",
        "say 'ES' for Spain",
    ),
    "a subdivision of another country": Case(
        "closed: [",
        "holidays: {country: ES, subdivision: BY}\n    closed: [",
        "country: ES",
        "calendars.office.holidays",
        "the subdivision 'BY'",
        "AN, AR, AS",
    ),
    "a subdivision where there are none": Case(
        "closed: [",
        "holidays: {country: SE, subdivision: AB}\n    closed: [",
        "country: SE",
        "calendars.office.holidays",
        "the subdivision 'AB'",
        "remove it",
    ),
    "a season against the clock": Case(
        "closed: [",
        "seasons: [{first_day: 2025-08-31, last_day: 2025-07-01, hours: 24x7}]\n    closed: [",
        "seasons:",
        "calendars.office.seasons[0]",
        "2025-08-31 to 2025-07-01",
        "exchange the two",
    ),
    "seasons that overlap by a day": Case(
        "closed: [",
        "seasons:\n"
        "      - {first_day: 2025-08-31, last_day: 2025-09-30, hours: 24x7}\n"
        "      - {first_day: 2025-07-01, last_day: 2025-08-31, hours: 24x7}\n"
        "    closed: [",
        "seasons:",
        "calendars.office.seasons",
        "one until 2025-08-31 and another from 2025-08-31",
        "let the earlier one end before 2025-08-31",
    ),
    "a day twice in the week of a season": Case(
        "closed: [",
        "seasons:\n"
        "      - first_day: 2025-07-01\n"
        "        last_day: 2025-08-31\n"
        '        hours: {mon-fri: ["08:00-15:00"], fri: []}\n'
        "    closed: [",
        "hours: {mon-fri",
        "calendars.office.seasons[0].hours",
        "'fri' in two entries",
        "name 'fri' in one entry only",
    ),
    "a closed day with hours": Case(
        "closed: [",
        'exceptions: {2025-12-25: ["09:00-13:00"]}\n    closed: [',
        "  office:\n",
        "calendars.office",
        "2025-12-25 in 'closed' and in 'exceptions'",
        "remove it from",
    ),
    "an exceptional day that does not exist": Case(
        "closed: [",
        'exceptions: {2025-02-29: ["09:00-13:00"]}\n    closed: [',
        "02-29",
        "calendars.office.exceptions.2025-02-29",
        "'2025-02-29'",
        "write it like",
    ),
    "an exceptional day in another spelling": Case(
        "closed: [",
        'exceptions: {20251224: ["09:00-13:00"]}\n    closed: [',
        "20251224",
        "calendars.office.exceptions.20251224",
        "'20251224'",
        "write it like",
    ),
    "an exceptional day without a list": Case(
        "closed: [",
        'exceptions: {2025-12-24: "09:00-13:00"}\n    closed: [',
        "12-24",
        "calendars.office.exceptions.2025-12-24",
        "'09:00-13:00'",
        "write '[one, two]'",
    ),
    "a window without an end": Case(
        '"15:00-18:00"',
        '"15:00"',
        '"15:00"',
        "calendars.office.hours.mon-thu[1]",
        "'15:00'",
        'say "09:00-14:00"',
    ),
    "a window of nothing": Case(
        '"15:00-18:00"',
        '"15:00-15:00"',
        "15:00-15",
        "calendars.office.hours.mon-thu[1]",
        "'15:00-15:00'",
        "00:00-24:00",
    ),
    "a time that no clock shows": Case(
        '"15:00-18:00"',
        '"15:00-25:00"',
        "25:00",
        "calendars.office.hours.mon-thu[1]",
        "25:00",
        "say",
    ),
    "a day that no week has": Case(
        'fri: ["09', 'fry: ["09', "fry", "calendars.office.hours.fry", "'fry'", "mon, tue"
    ),
    "days against the week": Case(
        "mon-thu:",
        "thu-mon:",
        "thu-mon",
        "calendars.office.hours.thu-mon",
        "'thu-mon'",
        "two entries",
    ),
    "a day twice": Case(
        "mon-thu:",
        "mon-fri:",
        'hours:\n      mon-fri: ["09:00-14',
        "calendars.office.hours",
        "'fri' in two entries",
        "name 'fri' in one entry only",
    ),
    "a default calendar that is not there": Case(
        "default_calendar: office",
        "default_calendar: shop",
        "shop",
        "default_calendar",
        "'shop'",
        "office, night shift, always",
    ),
    "a clause that is missing": Case(
        "    owner: Ada\n", "", "id: mql_volume", "commitments[0].owner", "nothing", "add 'owner:'"
    ),
    "a clause that nobody knows": Case(
        "period: week",
        "period: week\n    colour: red",
        "colour",
        "commitments[2].colour",
        "'colour'",
        "correct its spelling, or remove it",
    ),
    "a metric that nobody knows": Case(
        "metric: cycle_time",
        "metric: speed",
        "speed",
        "commitments[2].metric",
        "'speed'",
        "choose one",
    ),
    "no metric": Case(
        "    metric: cycle_time\n",
        "",
        "id: sql_to_customer",
        "commitments[2].metric",
        "nothing",
        "add 'metric:'",
    ),
    "a period that nobody knows": Case(
        "period: week", "period: day", "period: day", "commitments[2].period", "'day'", "choose one"
    ),
    "a party that did not sign": Case(
        "{party: sales}",
        "{party: finance}",
        "finance",
        "teams.Sales EMEA.party",
        "'finance'",
        "choose one",
    ),
    "a sample as text": Case(
        "minimum_sample: 10",
        "minimum_sample: ten",
        "ten\n",
        "commitments[2].minimum_sample",
        "'ten'",
        "digits only",
    ),
    "a sample of nobody": Case(
        "minimum_sample: 10",
        "minimum_sample: 0",
        "minimum_sample: 0",
        "commitments[2].minimum_sample",
        "0",
        "correct it",
    ),
    "a number for a name": Case(
        "name: Test agreement", "name: 7", "name: 7", "name", "7", "in quotes"
    ),
    "an empty name": Case(
        "name: Test agreement", "name: ' '", "name: ' '", "name", "an empty text", "fill it in"
    ),
    "a name with spaces": Case(
        "id: mql_to_sql",
        "id: MQL to SQL",
        "MQL to SQL",
        "commitments[1].id",
        "'MQL to SQL'",
        "rename it",
    ),
    "a list where entries belong": Case(
        "handoff:\n  stage: mql", "handoff: [mql]", "handoff", "handoff", "a list", "indented below"
    ),
    "a word where a list belongs": Case(
        "systems: [crm, forms]", "systems: crm", "systems", "systems", "'crm'", "[one, two]"
    ),
    "no systems": Case(
        "systems: [crm, forms]",
        "systems: []",
        "systems",
        "systems",
        "an empty list",
        "add what is missing",
    ),
    "a mailbox with its domain": Case(
        "[Info, sales]",
        "[info@example.com]",
        "info@",
        "shared_mailboxes[0]",
        "'info@example.com'",
        "say 'info'",
    ),
    "a mailbox twice": Case(
        "[Info, sales]", "[Info, info]", "[Info", "shared_mailboxes", "'info' twice", "remove one"
    ),
    "a segment by nothing": Case(
        "      - region: APAC\n        target",
        "      - target",
        "- target",
        "commitments[0].segments[0]",
        "by nothing",
        "by one of them",
    ),
    "a segment by an empty value": Case(
        "region: APAC",
        "region:",
        "- region:",
        "commitments[0].segments[0].region",
        "nothing",
        "fill it in",
    ),
    "a segment by two things": Case(
        "      - region: APAC",
        "      - region: APAC\n        channel: events",
        "region: APAC",
        "commitments[0].segments[0]",
        "by region and channel",
        "by one of them",
    ),
    "a segment twice": Case(
        "persona: IT leader",
        "region: APAC",
        "region: APAC\n        target: at least 60",
        "commitments[0].segments[1]",
        "region 'APAC' a second time",
        "remove one",
    ),
    "a share without its direction": Case(
        SHARE, 'objective: "95%"', "95%", "commitments[1].objective", "'95%'", "say 'at least 95%'"
    ),
    "days without their kind": Case(
        "within: 30 calendar days",
        "within: 30 days",
        "30 days",
        "commitments[1].within",
        "'30 days'",
        "say '30 calendar days'",
    ),
    "nothing where something should stand": Case(
        "    any_of: [persona]",
        "    any_of:",
        "any_of:\n",
        "qualification[1].any_of",
        "nothing",
        "fill it in, or remove it",
    ),
    "one wrong field and no other": Case(
        "any_of: [persona]",
        "any_of: [person]",
        "[person]",
        "qualification[1].any_of[0]",
        "'person'",
        "choose one",
    ),
    "a commitment of no one's": Case(
        "    owner: Ada\n",
        "    owner: ''\n",
        "owner: ''",
        "commitments[0].owner",
        "an empty text",
        "fill it in",
    ),
    "a segment that aims the other way": Case(
        "at least 12 leads",
        "at most 12 leads",
        "at most 12",
        "commitments[0].segments[0].target",
        "'at most'",
        "say 'at least ...'",
    ),
}


ONE_OF = "    field: country\n    one_of: [IN, ES]\n"

# of the test agreement with every clause
CASES_OF_EVERY_CLAUSE = {
    "a calendar that is not there, of a team": Case(
        "calendar: night shift}",
        "calendar: nights}",
        "calendar: nights}",
        "teams.Sales nights.calendar",
        "'nights'",
        "office, night shift, always",
    ),
    "a calendar that is not there, of a region": Case(
        "APAC: {calendar: always}",
        "APAC: {calendar: ever}",
        "calendar: ever}",
        "regions.APAC.calendar",
        "'ever'",
        "office, night shift, always",
    ),
    "a rule that asks two things": Case(
        ONE_OF,
        ONE_OF + "    matches: ^E\n",
        "name: mql_market",
        "qualification[2]",
        "asks one_of and matches",
        "let each rule ask one thing",
    ),
    "a rule that asks nothing": Case(
        ONE_OF, "", "name: mql_market", "qualification[2]", "asks nothing", "ask one thing"
    ),
    "a test without a field": Case(
        ONE_OF,
        "    one_of: [IN, ES]\n",
        "name: mql_market",
        "qualification[2]",
        "'one_of' without a field",
        "add 'field:'",
    ),
    "a field with nothing to test": Case(
        "    any_of: [persona]\n",
        "    any_of: [persona]\n    field: persona\n",
        "name: mql_persona",
        "qualification[1]",
        "'any_of' with a field",
        "remove 'field'",
    ),
    "bounds of a word": Case(
        ONE_OF,
        "    field: country\n    between: [1, 2]\n",
        "field: country",
        "qualification[2].field",
        "'between' for 'country'",
        "say 'score'",
    ),
    "bounds upside down": Case(
        "between: [20, 100]",
        "between: [100, 20]",
        "[100, 20]",
        "qualification[3].between",
        "[100, 20]",
        "say [20, 100]",
    ),
    "one bound": Case(
        "between: [20, 100]",
        "between: [20]",
        "[20]",
        "qualification[3].between",
        "a list",
        "add what is missing",
    ),
    "three bounds": Case(
        "between: [20, 100]",
        "between: [20, 100, 200]",
        "200]",
        "qualification[3].between",
        "a list",
        "remove what is too much",
    ),
    "a bound that is no number": Case(
        "between: [20, 100]",
        "between: [20, many]",
        "many]",
        "qualification[3].between[1]",
        "'many'",
        "digits only",
    ),
    "a comparison that nobody knows": Case(
        ONE_OF,
        "    field: country\n    compared: larger than region\n",
        "larger than",
        "qualification[2].compared",
        "'larger than region'",
        "say 'different from region'",
    ),
    "a comparison with no field": Case(
        ONE_OF,
        "    field: country\n    compared: equal to land\n",
        "equal to land",
        "qualification[2].compared",
        "'land'",
        "say one of: email, phone",
    ),
    "a comparison of a field with itself": Case(
        ONE_OF,
        "    field: country\n    compared: equal to country\n",
        "equal to country",
        "qualification[2].compared",
        "'country'",
        "say one of: email, phone",
    ),
    "a sample of more than anybody has": Case(
        "minimum_sample: 20",
        "minimum_sample: 3000000000",
        "3000000000",
        "commitments[1].minimum_sample",
        "3000000000",
        "correct it",
    ),
    "a team in two spellings": Case(
        "  Sales nights: {",
        "  sales emea: {",
        "sales emea",
        "teams.sales emea",
        "the team 'sales emea' beside 'Sales EMEA'",
        "remove or rename",
    ),
    "a region in two spellings": Case(
        "  EMEA: {}\n",
        "  EMEA: {}\n  emea: {}\n",
        "  emea",
        "regions.emea",
        "the region 'emea' beside 'EMEA'",
        "remove or rename",
    ),
    "a persona in two spellings": Case(
        "persona: Founder,",
        "persona: IT Leader,",
        "IT Leader",
        "personas[1].persona",
        "the persona 'IT Leader' beside 'IT leader'",
        "remove or rename",
    ),
    "a channel in two spellings": Case(
        "[referral, events]",
        "[referral, events, Events]",
        "Events",
        "channels[2]",
        "the channel 'Events' beside 'events'",
        "remove or rename",
    ),
    "a text compared with a number": Case(
        ONE_OF,
        "    field: country\n    compared: at least score\n",
        "at least score",
        "qualification[2].compared",
        "'score'",
        "say one of: email, phone",
    ),
    "a number compared with a text": Case(
        ONE_OF,
        "    field: score\n    compared: at least region\n",
        "field: score\n    compared",
        "qualification[2].field",
        "'compared' for 'score'",
        "use 'between'",
    ),
    "a pattern that is none": Case(
        ONE_OF,
        "    field: country\n    matches: (\n",
        "matches: (",
        "qualification[2].matches",
        "'('",
        "correct it, or use 'one_of'",
    ),
    "a pattern that PostgreSQL reads otherwise": Case(
        ONE_OF,
        "    field: country\n    matches: '\\bES\\b'\n",
        "matches: '",
        "qualification[2].matches",
        "'\\bES\\b'",
        "or use 'one_of'",
    ),
    "a pattern that PostgreSQL does not know": Case(
        ONE_OF,
        "    field: country\n    matches: '(?P<country>ES)'\n",
        "matches: '",
        "qualification[2].matches",
        "(?P<country>ES)",
        "or use 'one_of'",
    ),
    "a pattern that repeats too often for PostgreSQL": Case(
        ONE_OF,
        "    field: country\n    matches: 'a{1,256}'\n",
        "matches: '",
        "qualification[2].matches",
        "a{1,256}",
        "or use 'one_of'",
    ),
    "a pattern that repeats too often": Case(
        ONE_OF,
        "    field: country\n    matches: 'a{99999999999}'\n",
        "matches: '",
        "qualification[2].matches",
        "a{99999999999}",
        "or use 'one_of'",
    ),
    "a pattern that is nested too deep": Case(
        ONE_OF,
        f"    field: country\n    matches: '{'(' * 900}{')' * 900}'\n",
        "matches: '",
        "qualification[2].matches",
        "((((",
        "or use 'one_of'",
    ),
    "points without a number": Case(
        "    any_of: [persona]\n",
        "    any_of: [persona]\n    points: {}\n",
        "points: {}",
        "qualification[1].points",
        "no points",
        "how many points for which",
    ),
    "points that no rule brings together": Case(
        "fit: 20, engagement: 10}",
        "fit: 21, engagement: 10}",
        "fit: 21",
        "scores[0].fit",
        "21 points for fit",
        "lower it, or give rules more points",
    ),
    "a threshold without points": Case(
        "stage: mql, fit: 20, engagement: 10}",
        "stage: mql}",
        "{stage: mql}",
        "scores[0]",
        "no points",
        "how many points for which",
    ),
    "two thresholds of a stage": Case(
        "scores:\n",
        "scores:\n  - {stage: mql, fit: 1}\n",
        "mql, fit: 20",
        "scores[1].stage",
        "the threshold of 'mql' a second time",
        "into one entry",
    ),
    "a threshold of a stage that is not there": Case(
        "stage: mql, fit: 20",
        "stage: mkl, fit: 20",
        "stage: mkl",
        "scores[0].stage",
        "the stage 'mkl'",
        "lead, mql",
    ),
    "a rule that is not there, of the ideal customer": Case(
        "rules: [mql_market]",
        "rules: [market]",
        "rules: [market]",
        "ideal_customer.rules[0]",
        "the rule 'market'",
        "say one of: mql_reachable",
    ),
    "a persona twice": Case(
        "persona: Founder",
        "persona: IT leader",
        "Pays for it",
        "personas[1].persona",
        "the persona 'IT leader' a second time",
        "remove one",
    ),
    "a value for a persona that is not there": Case(
        "    IT leader: {mql",
        "    IT chief: {mql",
        "IT chief",
        "lead_values.by_persona.IT chief",
        "the persona 'IT chief'",
        "IT leader, Founder",
    ),
    "a value for a stage that is not there": Case(
        "otherwise: {mql: 20",
        "otherwise: {lost: 20",
        "lost: 20",
        "lead_values.otherwise.lost",
        "the stage 'lost'",
        "lead, mql",
    ),
    "a negative value": Case(
        "otherwise: {mql: 20",
        "otherwise: {mql: -20",
        "-20",
        "lead_values.otherwise.mql",
        "-20",
        "correct it",
    ),
    "a currency that is none": Case(
        "currency: EUR",
        "currency: euro",
        "currency: euro",
        "lead_values.currency",
        "'euro'",
        "write it like 'EUR'",
    ),
    "another currency": Case(
        "250,000 EUR",
        "250,000 USD",
        "USD",
        "commitments[10].target",
        "'at least 250,000 USD'",
        "say it in EUR",
    ),
    "another currency in a segment": Case(
        "target: at least 90000 EUR\n",
        "target: at least 90000 EUR\n    segments: [{region: APAC, target: at least 9 USD}]\n",
        "USD",
        "commitments[9].segments[0].target",
        "'at least 9 USD'",
        "say it in EUR",
    ),
    "a sum without its currency": Case(
        "250,000 EUR",
        "250,000",
        "250,000",
        "commitments[10].target",
        "'at least 250,000'",
        "say 'at least 250,000 EUR'",
    ),
    "the worth of a stage that has none": Case(
        "stage: mql\n    only_qualified: true\n",
        "stage: customer\n",
        "stage: customer\n    target",
        "commitments[3].stage",
        "the stage 'customer', in which no lead is worth anything",
        "give it one there",
    ),
    "a touch that nobody knows": Case(
        "touches: {call: any, ",
        "touches: {fax: any, ",
        "fax",
        "handoff.touches.fax",
        "'fax'",
        "choose one",
    ),
    "an outcome that is not in a list": Case(
        "touches: {call: any, ",
        "touches: {call: held, ",
        "call: held",
        "handoff.touches.call",
        "'held'",
        "say 'any', or '[held]'",
    ),
    "an outcome that is no text": Case(
        "touches: {call: any, ",
        "touches: {call: [1], ",
        "call: [1]",
        "handoff.touches.call[0]",
        "1",
        "in quotes",
    ),
    "a time that does not name its kind": Case(
        "{within: 4 business hours}",
        "{within: 1 day}",
        "within: 1 day",
        "handoff.response.within",
        "'1 day'",
        "say '1 business day' or '24 hours'",
    ),
    "calendar days on a clock": Case(
        "{within: 2 business days}",
        "{within: 30 calendar days}",
        "{within: 30 cal",
        "handoff.acceptance.within",
        "'30 calendar days'",
        "say '30 business days' or '720 hours'",
    ),
    "a time without its unit": Case(
        "{within: 4 business hours}",
        "{within: 4}",
        "within: 4}",
        "handoff.response.within",
        "4",
        "say '4 business hours'",
    ),
    "no time at all": Case(
        "{within: 4 business hours}",
        "{within: 0 hours}",
        "within: 0",
        "handoff.response.within",
        "'0 hours'",
        "say '4 business hours'",
    ),
    "more attempts than anybody makes": Case(
        "touches: 5,",
        "touches: 101,",
        "touches: 101",
        "handoff.attempts.touches",
        "101",
        "correct it",
    ),
    "a reason that is an excuse too": Case(
        "[duplicate, test]",
        "[duplicate, Not a fit]",
        "no budget",
        "handoff.rejection_reasons[1]",
        "'not a fit' as a rejection and as an excuse",
        "remove one of the two",
    ),
    "answers without a clock": Case(
        "  response: {within: 4 business hours}\n",
        "",
        "metric: response",
        "commitments[5].metric",
        "'response' without anything to measure it by",
        "add 'handoff: response:'",
    ),
    "a part that is not there": Case(
        "{team: Sales EMEA,",
        "{team: Sales EMAE,",
        "EMAE",
        "commitments[5].segments[0].team",
        "the team 'Sales EMAE'",
        "say one of: Sales EMEA, Sales nights",
    ),
    "a cut that a metric does not know": Case(
        "{channel: referral, target: at least 400%}",
        "{region: APAC, target: at least 400%}",
        "at least 400%",
        "commitments[11].segments[0]",
        "a segment by region",
        "by one of them",
    ),
    "a time of day that no clock shows": Case(
        'at: "08:30"',
        'at: "8:30"',
        '"8:30"',
        "communication[0].at",
        "'8:30'",
        "write it like '08:30'",
    ),
    "a channel that nobody knows": Case(
        "by: email", "by: fax", "by: fax", "communication[0].by", "'fax'", "choose one"
    ),
    "news for nobody": Case(
        "to: [Ada, Grace]",
        "to: []",
        "to: []",
        "communication[0].to",
        "an empty list",
        "add what is missing",
    ),
}


@pytest.mark.parametrize(
    ("clauses", "case"),
    [
        *(((), case) for case in CASES.values()),
        *((EVERY_CLAUSE, case) for case in CASES_OF_EVERY_CLAUSE.values()),
    ],
    ids=[*CASES, *CASES_OF_EVERY_CLAUSE],
)
def test_a_fault_names_its_place_and_its_remedy(
    write_version: WriteVersion, folder: Path, clauses: tuple[tuple[str, str], ...], case: Case
) -> None:
    file = write_version(*clauses, (case.old, case.new))
    text = file.read_text()
    assert text.count(case.on) == 1
    (fault,) = faults_of(folder)
    assert fault.file == file
    assert fault.line == text.count("\n", 0, text.index(case.on)) + 1
    assert fault.path == case.path
    assert case.found in fault.found
    assert case.remedy in fault.remedy
    assert str(fault).startswith(f"{file}:{fault.line}: {case.path}: found ")


def test_every_fault_is_reported_at_once(write_version: WriteVersion, folder: Path) -> None:
    write_version(
        ("zone: Europe/Madrid", "zone: Madrid"),
        ("from: mql", "from: mkl"),
        (SHARE, "objective: 0.25"),
        ("[Closed Lost]", "[Closed Lost, lead]"),
    )
    write_version(("version: v1", "version: v1\nversion: v1"), name="2025-10-01.yml")
    (folder / "2026-04-01.yml").write_text("a: [")
    faults = faults_of(folder)
    assert [(fault.file.name, fault.path) for fault in faults] == [
        ("2025-04-01.yml", "zone"),
        ("2025-04-01.yml", "mappings.crm.lost[1]"),
        ("2025-04-01.yml", "commitments[1].from"),
        ("2025-04-01.yml", "commitments[1].objective"),
        ("2025-10-01.yml", "version"),
        ("2025-10-01.yml", "version"),
        ("2025-10-01.yml", "effective_from"),
        ("2025-10-01.yml", "effective_from"),
        ("2026-04-01.yml", ""),
    ]
    told = str(AgreementError(faults)).splitlines()
    assert told[0] == "The agreement has 9 faults:"
    assert told[4] == (
        f"  {folder}/2025-04-01.yml:79: commitments[1].objective: found 0.25, expected 'at least'"
        " or 'at most' with a percentage; say 'at least 25%'."
    )


def test_two_versions_cannot_start_on_one_day(write_version: WriteVersion, folder: Path) -> None:
    write_version()
    copy = write_version(("version: v1", "version: v2"), name="2025-10-01.yml")
    same_day, misnamed = faults_of(folder)
    assert (same_day.file, same_day.line) == (copy, 3)
    assert same_day.found == "2025-04-01, as in 2025-04-01.yml"
    assert "change one of the two" in same_day.remedy
    assert "rename it to 2025-04-01.yml, or correct the date" in misnamed.remedy


def test_two_versions_cannot_share_a_name(write_version: WriteVersion, folder: Path) -> None:
    write_version()
    copy = write_version(("2025-04-01", "2025-10-01"), name="2025-10-01.yml")
    (fault,) = faults_of(folder)
    assert (fault.file, fault.line, fault.found) == (copy, 1, "v1, as in 2025-04-01.yml")


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (("zone: Europe/Madrid", "zone: America/New_York"), "zone"),
        (
            (
                "- {stage: mql,",
                "- {stage: pql, label: PQL, definition: Tried.}\n    - {stage: mql,",
            ),
            "stages.path",
        ),
    ],
    ids=["zone", "path"],
)
def test_no_version_changes_what_numbers_are_counted_along(
    write_version: WriteVersion, folder: Path, change: tuple[str, str], clause: str
) -> None:
    write_version()
    write_version(
        ("version: v1", "version: v2"), ("2025-04-01", "2025-10-01"), change, name="2025-10-01.yml"
    )
    (fault,) = faults_of(folder)
    assert (fault.file.name, fault.path) == ("2025-10-01.yml", clause)
    assert "as in 2025-04-01.yml" in fault.expected
    assert "keep it" in fault.remedy


def test_a_side_that_promises_nothing_is_told(write_version: WriteVersion, folder: Path) -> None:
    write_version(("party: marketing\n    owner", "party: sales\n    owner"))
    (fault,) = faults_of(folder)
    assert fault.found == "no commitment of marketing"
    assert "add one with 'party: marketing'" in fault.remedy


def test_a_folder_without_an_agreement_is_told(folder: Path) -> None:
    (fault,) = faults_of(folder)
    assert (fault.file, fault.line, fault.found) == (folder, None, "no agreement")
    assert "write the first version" in fault.remedy


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    (fault,) = faults_of(folder / "absent")
    assert fault.found == "no such folder"


def test_another_ending_is_not_passed_over(write_version: WriteVersion, folder: Path) -> None:
    write_version()
    write_version(name="2025-10-01.yaml")
    (fault,) = faults_of(folder)
    assert "rename it to 2025-10-01.yml" in fault.remedy


TOUCHES = "  touches: {call: any, email: any, meeting: [Held]}\n"
MOVES = "  forward_move_counts: true\n"


def test_a_clock_that_nothing_stops_is_told(write_version: WriteVersion, folder: Path) -> None:
    write_version(*EVERY_CLAUSE, (TOUCHES, ""), (MOVES, ""))
    told = [(fault.path, fault.found) for fault in faults_of(folder)]
    assert told == [
        ("handoff.response", "a clock that nothing stops"),
        ("handoff.attempts", "a clock that nothing stops"),
        ("commitments[8].metric", "'worked' without anything to measure it by"),
    ]


@pytest.mark.parametrize("without", [TOUCHES, MOVES], ids=["moves", "touches"])
def test_a_clock_is_stopped_by_touches_or_by_moves(
    write_version: WriteVersion, folder: Path, without: str
) -> None:
    write_version(*EVERY_CLAUSE, (without, ""))
    assert read_agreement(folder).versions[0].contract.handoff.response


def test_nobody_accepts_at_the_end_of_the_path(write_version: WriteVersion, folder: Path) -> None:
    write_version(*EVERY_CLAUSE, ("handoff:\n  stage: mql", "handoff:\n  stage: customer"))
    assert [(fault.path, fault.found) for fault in faults_of(folder)] == [
        ("handoff.acceptance", "a clock that starts at the end of the path, and stops above it"),
        ("commitments[4].metric", "acceptance after the last stage of the path"),
    ]


def test_sums_are_in_one_currency_where_no_lead_has_a_value(
    write_version: WriteVersion, folder: Path
) -> None:
    text = write_version(*EVERY_CLAUSE).read_text()
    values = text[text.index("lead_values:") : text.index("commitments:")]
    value = text[text.index("  - id: other_value") : text.index("  - id: other_quality")]
    write_version(*EVERY_CLAUSE, (values, ""), (value, ""), ("250,000 EUR", "250,000 USD"))
    (fault,) = faults_of(folder)
    assert (fault.found, fault.remedy) == ("'at least 250,000 USD'", "say it in EUR")


@pytest.mark.parametrize(
    ("points", "place"), [("{fit: 0}", "points.fit"), ("many", "points"), ("{}", "points")]
)
def test_a_fault_in_points_makes_no_threshold_wrong(
    write_version: WriteVersion, folder: Path, points: str, place: str
) -> None:
    write_version(*EVERY_CLAUSE, ("{fit: 20}", points))
    (fault,) = faults_of(folder)
    assert fault.path == f"qualification[2].{place}"


def test_a_team_without_a_side_makes_no_segment_wrong(
    write_version: WriteVersion, folder: Path
) -> None:
    nights = "  Sales nights: {party: sales, calendar: night shift}"
    write_version(
        *EVERY_CLAUSE, ("team: Sales EMEA", "team: Sales nights"), (nights, "  Sales nights: {}")
    )
    (fault,) = faults_of(folder)
    assert fault.path == "teams.Sales nights.party"


def test_a_worth_without_a_table_is_told(write_version: WriteVersion, folder: Path) -> None:
    text = write_version(*EVERY_CLAUSE).read_text()
    write_version(
        *EVERY_CLAUSE, (text[text.index("lead_values:") : text.index("commitments:")], "")
    )
    (fault,) = faults_of(folder)
    assert (fault.found, fault.remedy) == (
        "'value' without a table of values",
        "add 'lead_values:'",
    )


def test_leads_are_judged_by_rules_that_are_there(
    write_version: WriteVersion, folder: Path
) -> None:
    write_version(
        *EVERY_CLAUSE,
        ("severity: critical", "severity: warning"),
        ("judged_by: acceptance", "judged_by: rules"),
    )
    told = [(fault.path, fault.found, fault.remedy) for fault in faults_of(folder)]
    found, remedy = (
        "no critical rule for 'mql'",
        "add one with 'stage: mql' and 'severity: critical'",
    )
    assert told == [
        ("commitments[3].metric", found, remedy),
        ("commitments[4].metric", found, remedy),
    ]


def test_a_version_is_found_by_name_by_day_and_by_file(
    write_version: WriteVersion, folder: Path
) -> None:
    first = write_version()
    later = write_version(
        ("version: v1", "version: v2"),
        ("effective_from: 2025-04-01", "effective_from: 2025-10-01"),
        name="2025-10-01.yml",
    )
    found = {wanted: find_version(wanted, folder).file for wanted in ("v1", "2025-10-01")}
    assert found == {"v1": first, "2025-10-01": later}
    # a file by itself: what lies beside it is not asked
    assert find_version(str(later), folder / "absent").contract.version == "v2"


def test_a_draft_follows_what_was_signed(
    write_version: WriteVersion, folder: Path, tmp_path: Path
) -> None:
    signed = write_version()
    draft = tmp_path / "draft.yml"
    draft.write_text(signed.read_text().replace("version: v1", "version: v2"))
    assert read_draft(draft, folder).contract.version == "v2"
    draft.write_text(signed.read_text().replace("zone: Europe/Madrid\nsys", "zone: UTC\nsys"))
    with pytest.raises(AgreementError) as refusal:
        read_draft(draft, folder)
    assert [(fault.path, fault.found) for fault in refusal.value.faults] == [("zone", "UTC")]


def test_a_version_that_there_is_not_is_told_with_those_that_there_are(
    write_version: WriteVersion, folder: Path
) -> None:
    write_version()
    with pytest.raises(UnknownVersionError):
        find_version("v" * 5000, folder)
    with pytest.raises(UnknownVersionError) as refusal:
        find_version("v9", folder)
    assert str(refusal.value) == (
        "'v9' is neither a file nor a version of the agreement: v1 (from 2025-04-01)."
    )
