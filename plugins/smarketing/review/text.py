"""Text as people may see it: names and notes come from systems that anyone can type into."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Cc: escape sequences that colour a terminal or move its cursor. Cf: marks that turn the
# direction of a line, or hide. Cs: halves of a character. Zl, Zp: line ends in disguise.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# they join letters and emoji, and do nothing else
_JOINERS = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")


def readable(text: str) -> str:
    """``text`` on one line, with everything in it that is an instruction and not a sign replaced.

    HTML and rich's markup are left to whoever writes them.
    """
    return "".join(map(_sign, text))


def _sign(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _UNSAFE:
        return character
    return _REPLACEMENT


def share(part: int, whole: int) -> str:
    """``part`` of ``whole`` in percent; what is not nothing is not shown as nothing."""
    if not whole:
        return "–"
    if 0 < part / whole < 0.0005:
        return "<0.1%"
    if 0.9995 <= part / whole < 1:
        return ">99.9%"
    return f"{part / whole:.1%}"
