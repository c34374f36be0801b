"""A fictional company whose history is known: exports to practise on, and the right answers."""

from smarketing.sandbox.generate import Summary, generate

__all__ = ["Summary", "generate"]
