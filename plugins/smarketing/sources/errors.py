"""What stops an extraction."""

from __future__ import annotations

from collections.abc import Sequence

from smarketing.explained import ExplainedError


class SourceError(ExplainedError):
    """The source cannot be read as declared; trying again without a change does not help.

    Each fault names the place, what was found, what was expected and what to do.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class RefusedError(SourceError):
    """A vendor refuses a call, and will again. ``code`` is the vendor's, where it has one."""

    def __init__(self, fault: str, code: str) -> None:
        super().__init__([fault])
        self.code = code


class LoadError(Exception):
    """The warehouse did not take the rows; the same night can be run again."""


class UnreachableError(ExplainedError):
    """A vendor does not answer, or refuses for now; the next try may find it in better health."""
