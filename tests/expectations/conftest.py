"""The night for which the checks run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from smarketing.night import Night, open_night

AS_OF = datetime(2025, 6, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def night(warehouse: str) -> Night:
    return open_night(warehouse, AS_OF, AS_OF)
