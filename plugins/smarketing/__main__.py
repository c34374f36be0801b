"""``python -m smarketing``."""

from smarketing.cli import app

app(prog_name="smarketing")
