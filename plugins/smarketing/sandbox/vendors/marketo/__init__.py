"""Marketo Engage as far as marketing needs it (facts: Adobe's documentation, as of 2026-11).

`schema` is what the instance is set up with, `records` how Marketo keeps leads and their log
through changes, merges and deletions, `fill` puts the company in. `api` lets callers in (`limits`)
and leads them to `leads`, `activities`, `programs`, `usage` and `bulk`, whose files `extracts`
writes.
"""

from smarketing.sandbox.vendors.marketo.api import Marketo

__all__ = ["Marketo"]
