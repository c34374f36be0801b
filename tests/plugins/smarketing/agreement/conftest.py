"""A small, complete agreement to take apart, and a warehouse to load it into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from smarketing.warehouse.connection import connect

CONTRACT = """\
version: v1
name: Test agreement
effective_from: 2025-04-01
parties:
  marketing: {name: Marketing, head: Ada}
  sales: {name: Sales, head: Grace}
zone: Europe/Madrid
systems: [crm, forms]
calendars:
  office:
    zone: Europe/Madrid
    hours:
      mon-thu: ["09:00-14:00", "15:00-18:00"]
      fri: ["09:00-15:00"]
    closed: [2025-05-01, 2025-12-25]
  night shift:
    zone: Europe/London
    hours:
      mon-fri: ["22:00-06:00"]
  always:
    zone: UTC
    hours: 24x7
default_calendar: office
teams:
  Sales EMEA: {party: sales}
stages:
  path:
    - {stage: lead, label: Lead, definition: Asked.}
    - {stage: mql, label: MQL, definition: Handed over.}
    - {stage: sql, label: SQL, definition: Confirmed.}
    - {stage: customer, label: Customer, definition: Signed.}
  detours:
    - {stage: lost, label: Lost, definition: Lost.}
handoff:
  stage: mql
mappings:
  crm:
    lead: [Lead, "Open "]
    mql: [Marketing Qualified]
    lost: [Closed Lost]
  forms:
    lead: [Lead]
shared_mailboxes: [Info, sales]
qualification:
  - name: mql_reachable
    stage: mql
    any_of: [phone, email]
    severity: warning
    statement: Reachable.
  - name: mql_persona
    stage: mql
    any_of: [persona]
    severity: critical
    allowed: 2.5%
    statement: Known.
commitments:
  - id: mql_volume
    party: marketing
    owner: Ada
    statement: Many leads.
    metric: volume
    stage: mql
    target: at least 200 leads
    period: month
    segments:
      - region: APAC
        target: at least 12 leads
      - persona: IT leader
        target: at least 60 leads
  - id: mql_to_sql
    party: sales
    owner: Grace
    statement: Good work.
    metric: conversion
    from: mql
    to: sql
    within: 30 calendar days
    minimum_sample: 20
    objective: at least 25%
    period: quarter
  - id: sql_to_customer
    party: sales
    owner: Grace
    statement: Swift work.
    metric: cycle_time
    from: sql
    to: customer
    statistic: median
    minimum_sample: 10
    target: at most 45 calendar days
    period: week
review:
  meeting: every month
  chair: Ada
  growth: normal
"""

# what makes every kind of clause of it
EVERY_CLAUSE = (
    (
        "  Sales EMEA: {party: sales}\n",
        """\
  Sales EMEA: {party: sales}
  Sales nights: {party: sales, calendar: night shift}
regions:
  EMEA: {}
  APAC: {calendar: always}
channels: [referral, events]
personas:
  - {persona: IT leader, description: Runs it.}
  - {persona: Founder, description: Pays for it.}
ideal_customer:
  description: Small and growing.
  rules: [mql_market]
""",
    ),
    (
        "handoff:\n  stage: mql\n",
        """\
handoff:
  stage: mql
  touches: {call: any, email: any, meeting: [Held]}
  conversation: {call: [connected]}
  forward_move_counts: true
  response: {within: 4 business hours}
  attempts: {touches: 5, within: 48 hours}
  acceptance: {within: 2 business days}
  rejection_reasons: [No budget, not a fit, no budget]
  excuses: [duplicate, test]
""",
    ),
    (
        "    statement: Known.\n",
        """\
    statement: Known.
  - name: mql_market
    stage: mql
    field: country
    one_of: [IN, ES]
    severity: warning
    allowed: 10%
    points: {fit: 20}
    statement: Ours.
  - name: mql_score
    stage: mql
    field: score
    between: [20, 100]
    severity: warning
    points: {engagement: 10}
    statement: Warm.
scores:
  - {stage: mql, fit: 20, engagement: 10}
lead_values:
  currency: EUR
  by_persona:
    IT leader: {mql: 40, sql: 300}
  otherwise: {mql: 20, sql: 150}
""",
    ),
    (
        "    period: week\n",
        """\
    period: week
  - id: other_value
    party: marketing
    owner: Ada
    statement: Worth it.
    metric: value
    stage: mql
    only_qualified: true
    target: at least 1,234.50 EUR
    period: month
  - id: other_quality
    party: marketing
    owner: Ada
    statement: Good ones.
    metric: quality
    judged_by: acceptance
    objective: at least 60%
    minimum_sample: 30
    period: month
  - id: other_response
    party: sales
    owner: Grace
    statement: Soon.
    metric: response
    objective: at least 90%
    minimum_sample: 30
    period: month
    segments:
      - {team: Sales EMEA, objective: at least 92%}
      - {owner: Zoë, objective: at least 95%}
  - id: other_attempts
    party: sales
    owner: Grace
    statement: Again.
    metric: attempts
    objective: at least 80%
    minimum_sample: 30
    period: month
  - id: other_acceptance
    party: sales
    owner: Grace
    statement: Decided.
    metric: acceptance
    objective: at least 90%
    minimum_sample: 30
    period: month
  - id: other_worked
    party: sales
    owner: Grace
    statement: Worked.
    metric: worked
    target: at least 300 leads
    period: month
  - id: other_revenue
    party: sales
    owner: Grace
    statement: Won.
    metric: revenue
    target: at least 90000 EUR
    period: quarter
  - id: other_pipeline
    party: sales
    owner: Grace
    statement: Opened.
    metric: pipeline
    target: at least 250,000 EUR
    period: quarter
  - id: other_roi
    party: marketing
    owner: Ada
    statement: Paid back.
    metric: roi
    target: at least 150%
    period: quarter
    segments:
      - {channel: referral, target: at least 400%}
communication:
  - what: digest
    to: [Ada, Grace]
    by: email
    where: sla@example.com
    when: every week
    at: "08:30"
""",
    ),
)

WriteVersion = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "agreements"
    path.mkdir()
    return path


@pytest.fixture
def write_version(folder: Path) -> WriteVersion:
    """Writes the test agreement with some of its text replaced: ``write_version((old, new))``."""

    def write(*changes: tuple[str, str], name: str = "2025-04-01.yml") -> Path:
        text = CONTRACT
        for old, new in changes:
            assert old in text, f"{old!r} is not in the test agreement"
            text = text.replace(old, new, 1)
        file = folder / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A session of the loader in an empty warehouse."""
    with connect(warehouse, "loader", autocommit=True) as connection:
        yield connection
