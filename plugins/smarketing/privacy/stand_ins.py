"""What stands where something personal stood, so that rules say of it what they said before."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

from psycopg import Connection, sql

from smarketing.privacy.inventory import PERSONS, PLACES
from smarketing.privacy.ledger import ERASED
from smarketing.privacy.people import spelled

ENOUGH: Final = 5
"""What so many others have too, a domain or a word, says nothing of anybody."""

NEUTRAL_DOMAIN: Final = "erased.invalid"
NEUTRAL_WORD: Final = "erased"


class StandIns:
    """Chooses stand-ins, by what the agreement's rules and the other people say."""

    def __init__(self, connection: Connection[Any], addresses: Iterable[str]) -> None:
        self._connection = connection
        self._rules = connection.execute(
            "select field, test, operands from agreement.qualification_rules"
            " where test in ('matches', 'not_matching', 'one_of')"
        ).fetchall()
        # a condition is on all of a lead at once: what it says of a stand-in nobody knows before
        self._conditions = " ".join(
            condition
            for (condition,) in connection.execute(
                "select operands[1] from agreement.qualification_rules where test = 'sql'"
            )
        )
        self._common_domains = self._read_common_domains(list(addresses))
        self.unlike: set[str] = set()
        """The fields of which no stand-in is sure to satisfy every rule as the value did."""

    def address(self, address: str) -> str:
        """For an e-mail address; its domain stays where enough others have it."""
        domain = address.split("@")[1]
        local = new_id()
        domains = [NEUTRAL_DOMAIN, f"{domain.split('.')[0]}.invalid"]
        if domain in self._common_domains:
            domains.insert(0, domain)
        return self._alike("email", address, [f"{local}@{each}" for each in domains])

    def phone(self, phone: str) -> str:
        """For a telephone number: as long, of zeros; where rules ask for it, with its country."""
        shape = re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", phone))
        country = re.match(r"\+?\d{2}", phone.strip())
        shapes = [shape, country[0] + shape[country.end() :]] if country else [shape]
        return self._alike("phone", phone, shapes)

    def company(self, company: str) -> str:
        """For the name of a company."""
        return self._alike("company", company, [NEUTRAL_WORD, re.sub(r"\w", "x", company)])

    def words(self, words: Iterable[str]) -> dict[str, str]:
        """Stand-ins for those words that few others use and that the agreement does not know."""
        asked = sorted(set(words))
        known = {
            word
            for (word,) in self._connection.execute(
                "select reason from agreement.leaving_reasons where reason = any(%s)",
                [[word.strip().lower() for word in asked]],
            )
        }
        uses: dict[str, int] = dict.fromkeys(asked, 0)
        for place in PLACES:
            for column in place.treated("word"):
                query = sql.SQL(
                    "select {word}, count(distinct {id}) from {table} where {word} = any(%s)"
                    " group by 1"
                ).format(
                    word=sql.Identifier(column),
                    id=sql.Identifier(place.id),
                    table=sql.Identifier(place.schema, place.table),
                )
                for word, count in self._connection.execute(query, [asked]):
                    uses[word] += count
        return {
            word: NEUTRAL_WORD
            for word in asked
            if word.strip().lower() not in known and uses[word] <= ENOUGH
        }

    def _alike(self, field: str, value: str, candidates: Sequence[str]) -> str:
        if re.search(rf"\b{field}\b", self._conditions):
            self.unlike.add(field)
        for candidate in candidates:
            if all(
                self._passes(test, operands, value) == self._passes(test, operands, candidate)
                for asked, test, operands in self._rules
                if asked == field
            ):
                return candidate
        self.unlike.add(field)
        return candidates[0]

    def _passes(self, test: str, operands: Sequence[str], value: str) -> bool:
        if test == "one_of":
            return value.lower() in {operand.lower() for operand in operands}
        # the models' own regular expressions, not Python's
        [(matches,)] = self._connection.execute(
            "select %s ~* %s", [value.strip(), operands[0]]
        ).fetchall()
        return bool(matches)

    def _read_common_domains(self, addresses: list[str]) -> set[str]:
        counts: dict[str, set[str]] = {address.split("@")[1]: set() for address in addresses}
        if not counts:
            return set()
        for place in PERSONS:
            for column in place.treated("email"):
                query = sql.SQL(
                    "select split_part({address}, '@', 2),"
                    " (array_agg(distinct {address}))[:%(most)s]"
                    " from {table} where split_part({address}, '@', 2) = any(%(domains)s)"
                    " and {address} <> all(%(own)s) and not starts_with({address}, %(erased)s)"
                    " group by 1"
                ).format(address=spelled(column), table=sql.Identifier(place.schema, place.table))
                given = {
                    "domains": list(counts),
                    "own": addresses,
                    "erased": ERASED,
                    "most": ENOUGH,
                }
                for domain, others in self._connection.execute(query, given):
                    counts[domain] |= set(others)
        return {domain for domain, others in counts.items() if len(others) >= ENOUGH}


def new_id() -> str:
    """An id that leads back to nobody."""
    return ERASED + secrets.token_hex(8)
