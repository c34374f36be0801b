"""Small fictional companies, each generated once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from smarketing.sandbox import generate

from tests.plugins.smarketing.sandbox.exports import ENDS, Exports, read


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exports]:
    """Generates a company, unless it has done so before, and reads it."""

    @cache
    def make(seed: int = 1, leads: int = 800, nights: int = 30) -> Exports:
        folder = tmp_path_factory.mktemp("company") / "exports"
        generate(folder, seed=seed, leads=leads, nights=nights, ends=ENDS)
        return read(folder)

    return make
