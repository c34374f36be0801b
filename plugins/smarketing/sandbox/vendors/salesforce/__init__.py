"""Salesforce as far as sales need it (facts: Salesforce's documentation, as of API 67.0).

`schema` is what the org is set up with, `records` how Salesforce keeps rows through changes,
merges and deletions, `fill` puts the company in, person by person (`person`). `api` lets callers in
(`sessions`, `limits`) and leads them to `query` (whose language is in `soql` and `select`),
`objects` and `bulk`.
"""

from smarketing.sandbox.vendors.salesforce.api import Salesforce

__all__ = ["Salesforce"]
