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
    within: 30 days
    minimum_sample: 20
    target: at least 25%
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
    target: at most 45 days
    period: week
"""

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
