"""How far an object has been read, from night to night and within one: the cursor of its stream."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from smarketing.sources.api.streams import Cursor
from smarketing.sources.salesforce.api import Job
from smarketing.sources.salesforce.soql import Place


class Described(BaseModel):
    """What describe told: the fields, when it was asked, and Salesforce's own instant of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modified: str
    asked_at: AwareDatetime
    fields: list[dict[str, Any]]


class Pass(BaseModel):
    """A reading in progress: of a night, of all or of changes, up to a place or by a job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    night: AwareDatetime
    is_whole: bool
    place: Place | None = None
    job: Job | None = None
    locator: str | None = None


class Position(BaseModel):
    """``since``: all older changes are read. ``whole_at``: when all was last read.

    ``asked`` is what was asked for, by field its type, and ``columns`` what it filled: where they
    change, all is read again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime | None = None
    whole_at: AwareDatetime | None = None
    described: Described | None = None
    asked: dict[str, str] | None = None
    columns: dict[str, str] | None = None
    reading: Pass | None = None

    @property
    def cursor(self) -> Cursor:
        """The position as JSON."""
        return self.model_dump(mode="json", exclude_none=True)

    def but(self, **changes: Any) -> Position:
        """The same position but for some fields."""
        return self.model_copy(update=changes)


def position(cursor: Cursor, night: datetime) -> Position | None:
    """The position that a cursor means; nothing where it cannot be understood.

    Nor can one from the future: nights are read in order.
    """
    try:
        found = Position.model_validate(cursor)
    except ValidationError:
        return None
    instants = [found.since, found.whole_at, found.reading and found.reading.night]
    return None if any(at and at > night for at in instants) else found
