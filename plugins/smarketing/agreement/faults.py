"""What is wrong with an agreement, told so that whoever wrote it can put it right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smarketing.explained import ExplainedError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing wrong in one place, or odd.

    ``line`` counts from 1; ``None`` where no line of the file is to blame. ``path`` names the
    clause (``commitments[2].target``); empty: the file as a whole. ``remedy`` is an instruction.
    """

    file: Path
    line: int | None
    path: str
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        clause = f" {self.path}:" if self.path else ""
        return f"{place}:{clause} found {self.found}, expected {self.expected}; {self.remedy}."


class AgreementError(ExplainedError):
    """The agreement cannot be used. Holds every fault found, in the order of files and lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = in_order(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return listed(self.faults, "fault")


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """In the order of files and lines."""
    return sorted(faults, key=lambda fault: (str(fault.file), fault.line or 0))


def listed(faults: Sequence[Fault], kind: Literal["fault", "warning"]) -> str:
    """All of them, one a line, under a heading that counts them."""
    heading = f"The agreement has {len(faults)} {kind}{'' if len(faults) == 1 else 's'}:"
    return "\n".join([heading, *(f"  {fault}" for fault in faults)])


def spell(location: Location) -> str:
    """A place in a document as people write it: ``commitments[2].target``."""
    spelled = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location)
    return spelled.removeprefix(".")
