"""Draws that several parts of the sandbox make."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from random import Random
from typing import TypeVar

Option = TypeVar("Option")


def stream(seed: int, subject: str) -> Random:
    """A stream of chance of its own for each subject, so that none disturbs another."""
    return Random(f"{seed}/{subject}")  # noqa: S311 (fiction, not secrets)


def pick(rng: Random, weights: Mapping[Option, float]) -> Option:
    """One of the options, by weight."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def skewed(rng: Random, median: float, spread: float) -> int:
    """A whole number as waits and deals have them: mostly modest, with a long tail (lognormal)."""
    return int(rng.lognormvariate(log(median), spread))
