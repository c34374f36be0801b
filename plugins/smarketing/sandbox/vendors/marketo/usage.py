"""What Marketo tells of its own use over HTTP: calls and errors by day (Marketo, usage)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from smarketing.sandbox.vendors.marketo.call import Call, Endpoints
from smarketing.sandbox.vendors.marketo.limits import Keys, Limits

_DAYS = 7


class Usage:
    """The endpoints of the instance's statistics; a day is one of US Central time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def endpoints(self) -> Endpoints:
        """All of them."""
        base = "/rest/v1/stats"
        return [
            ("GET", self._calls_today, f"{base}/usage.json"),
            ("GET", self._calls_of_week, f"{base}/usage/last7days.json"),
            ("GET", self._errors_today, f"{base}/errors.json"),
            ("GET", self._errors_of_week, f"{base}/errors/last7days.json"),
        ]

    def _calls_today(self, _: Call) -> dict[str, Any]:
        return {"result": [self._calls(self._limits.today())]}

    def _calls_of_week(self, _: Call) -> dict[str, Any]:
        return {"result": [self._calls(day) for day in self._week()]}

    def _errors_today(self, _: Call) -> dict[str, Any]:
        return {"result": [self._errors(self._limits.today())]}

    def _errors_of_week(self, _: Call) -> dict[str, Any]:
        return {"result": [self._errors(day) for day in self._week()]}

    def _week(self) -> list[date]:
        return [self._limits.today() - timedelta(days=days) for days in range(_DAYS)]

    def _calls(self, day: date) -> dict[str, Any]:
        total = self._limits.calls[day]
        users = [{"userId": Keys.user, "count": total}] if total else []
        return {"date": day.isoformat(), "total": total, "users": users}

    def _errors(self, day: date) -> dict[str, Any]:
        errors = self._limits.errors[day]
        told = [{"errorCode": str(code), "count": count} for code, count in sorted(errors.items())]
        return {"date": day.isoformat(), "total": errors.total(), "errors": told}
