"""Errors for whoever uses the product, as opposed to those for whoever writes it."""

from __future__ import annotations


class ExplainedError(Exception):
    """Its message says what was found and what to do: the command line shows it by itself."""
