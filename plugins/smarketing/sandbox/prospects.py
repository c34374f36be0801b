"""Who the leads are: their companies, regions, personas, channels and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from smarketing.sandbox.chance import pick, stream

PERSONAS = {"IT leader": 35, "Operations manager": 30, "Finance director": 20, "Founder": 15}
CHANNELS = {
    "organic search": 26,
    "paid search": 20,
    "social": 14,
    "events": 10,
    "referral": 9,
    "e-mail": 13,
    "partner": 8,
}
# how much likelier than the average lead to climb one stage
PERSONA_PULL = {"IT leader": 1.1, "Operations manager": 1.02, "Finance director": 0.95, "": 0.9}
CHANNEL_PULL = {"referral": 1.2, "partner": 1.12, "events": 0.95, "social": 0.82}

# addresses that a whole office reads, and that therefore identify nobody
SHARED_MAILBOXES = ("info", "sales", "contact", "office", "hello", "support", "admin")

# neighbours in number who work for one company
COLLEAGUES = 3
REGIONS = {"EMEA": 55, "Americas": 30, "APAC": 15}
_COUNTRIES = {
    "EMEA": ("ES", "ES", "ES", "GB", "GB", "FR", "DE", "IT", "PT", "NL", "SE", "AE", "ZA"),
    "Americas": ("US", "US", "US", "US", "CA", "MX", "MX", "BR", "CL", "CO"),
    "APAC": ("IN", "IN", "SG", "AU", "AU", "JP", "NZ"),
}
_DIAL_CODES = {
    "ES": 34, "GB": 44, "FR": 33, "DE": 49, "IT": 39, "PT": 351, "NL": 31, "SE": 46, "AE": 971,
    "ZA": 27, "US": 1, "CA": 1, "MX": 52, "BR": 55, "CL": 56, "CO": 57, "IN": 91, "SG": 65,
    "AU": 61, "JP": 81, "NZ": 64,
}  # fmt: skip

_FIRST_NAMES = (
    "ana", "luis", "carmen", "javier", "emma", "oliver", "camille", "hugo", "lena", "felix",
    "giulia", "marco", "sofia", "tiago", "anouk", "daan", "astrid", "nils", "layla", "omar",
    "grace", "ethan", "harper", "mason", "valeria", "diego", "arjun", "meera", "yuki", "haruto",
)  # fmt: skip
_LAST_NAMES = (
    "garcia", "romero", "vidal", "smith", "clarke", "moreau", "lambert", "weber", "krause",
    "ricci", "conti", "almeida", "jansen", "berg", "nasser", "dlamini", "johnson", "miller",
    "torres", "rojas", "silva", "sharma", "patel", "tan", "nguyen", "tanaka", "sato", "walker",
)  # fmt: skip
_BRANDS = (
    "Nortia", "Albora", "Kestrel", "Verano", "Quillon", "Brixo", "Lumera", "Tarnwell", "Ostara",
    "Fennick", "Calder", "Miravel", "Ondine", "Pallas", "Rivaro", "Solvent", "Tessera", "Umbria",
    "Wexley", "Yarrow", "Zephyra", "Arcanto", "Bellmont", "Corvina", "Drayton", "Elmira",
)  # fmt: skip
_TRADES = (
    "Freight", "Foods", "Labs", "Energy", "Textiles", "Clinics", "Insurance", "Robotics",
    "Packaging", "Hotels", "Optics", "Logistics", "Payments", "Timber", "Schools", "Airways",
    "Chemicals", "Media", "Motors", "Pharma", "Retail", "Software", "Water",
)  # fmt: skip
_SUFFIXES = ("Group", "SL", "Ltd", "Inc", "GmbH", "SpA", "Partners", "Iberia", "Global", "Works")

# what people really type, or paste, into a company field
_ODD_NAMES = (
    "Müller & Søn, Öhringen",
    'Talleres "El Rápido", S.A.',
    "株式会社みらい",
    "Two Lines\nTrading",
    "=cmd('calc')",
    "Robert'; drop table leads;--",
    "<script>alert(1)</script>",
    'Ñandú Exportación, S.L.\nAttn: "Compras"',
)


@dataclass(frozen=True, slots=True)
class Account:
    """A company that leads work for. ``mailbox`` is filled where all of them share one."""

    name: str
    domain: str
    region: str
    country: str
    mailbox: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """A person as first recorded. Empty text: the CRM does not know."""

    account: Account
    persona: str
    channel: str
    email: str
    phone: str
    corrected_phone: str

    @property
    def has_own_mailbox(self) -> bool:
        """Whether the e-mail address identifies the person."""
        return bool(self.email) and not self.account.mailbox

    @property
    def pull(self) -> float:
        """How much likelier than the average lead this one is to climb a stage."""
        return PERSONA_PULL.get(self.persona, 0.9) * CHANNEL_PULL.get(self.channel, 1.0)


def meet(rng: Random, seed: int, number: int, channel: str) -> Prospect:
    """The person with that number; three neighbours in number are colleagues."""
    employer = employer_of(seed, number)
    position = number % COLLEAGUES
    name = f"{rng.choice(_FIRST_NAMES)}.{rng.choice(_LAST_NAMES)}{position + 1 if position else ''}"
    email = f"{employer.mailbox or name}@{employer.domain}"
    phone = _phone(rng, employer.country) if rng.random() < 0.75 else ""
    persona = pick(rng, PERSONAS)

    missing = rng.random()
    if missing < 0.0035:
        email = phone = ""
    elif missing < 0.007:
        persona = ""
    elif missing < 0.0105:
        channel = ""
    elif missing < 0.03 and phone:
        email = ""

    is_corrected = bool(phone) and rng.random() < 0.03
    corrected_phone = _phone(rng, employer.country) if is_corrected else ""
    return Prospect(employer, persona, channel, email, phone, corrected_phone)


def employer_of(seed: int, number: int) -> Account:
    """The company that the person with that number works for."""
    return _account(seed, number // COLLEAGUES)


@lru_cache(maxsize=8)
def _account(seed: int, number: int) -> Account:
    """The company with that number; no two share a domain."""
    rng = stream(seed, f"account/{number}")
    brand, trade, suffix = rng.choice(_BRANDS), rng.choice(_TRADES), rng.choice(_SUFFIXES)
    name = f"{brand} {trade} {suffix}"
    if number % 31 == 5:
        name = _ODD_NAMES[number // 31 % len(_ODD_NAMES)]
    region = pick(rng, REGIONS)
    return Account(
        name=name,
        domain=f"{brand}-{trade}-{number:x}.example".lower(),
        region=region,
        country=rng.choice(_COUNTRIES[region]),
        mailbox=rng.choice(SHARED_MAILBOXES) if number % 40 == 3 else "",
    )


def retyped(rng: Random, email: str) -> str:
    """The same address as another form or another hand would write it."""
    local, _, domain = email.partition("@")
    return rng.choice((f" {local.title()}@{domain.title()}", f"{email} ", email.upper()))


def _phone(rng: Random, country: str) -> str:
    digits = f"{rng.randrange(10**9):09d}"
    return f"+{_DIAL_CODES[country]} {digits[:3]} {digits[3:6]} {digits[6:]}"
