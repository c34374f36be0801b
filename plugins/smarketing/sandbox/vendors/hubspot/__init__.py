"""HubSpot as far as marketing and sales need it (facts: HubSpot's documentation, as of 2026-11).

`schema` is what the account is set up with, `records` how HubSpot keeps records through changes,
merges and erasures, `fill` puts the company in. `api` lets callers in (`limits`) and leads them to
`objects`, `settings` and `marketing`.
"""

from smarketing.sandbox.vendors.hubspot.api import HubSpot

__all__ = ["HubSpot"]
