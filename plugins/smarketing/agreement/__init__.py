"""The agreement between marketing and sales: read it, check it, load it into the warehouse."""

from smarketing.agreement.contract import Contract
from smarketing.agreement.difference import Difference, differences
from smarketing.agreement.faults import AgreementError, Fault
from smarketing.agreement.loading import Loaded, expanded_until, load_agreement, require_in_force
from smarketing.agreement.reading import (
    Agreement,
    UnknownVersionError,
    Version,
    examine_agreement,
    find_version,
    read_agreement,
    read_draft,
    read_version,
)

__all__ = [
    "Agreement",
    "AgreementError",
    "Contract",
    "Difference",
    "Fault",
    "Loaded",
    "UnknownVersionError",
    "Version",
    "differences",
    "examine_agreement",
    "expanded_until",
    "find_version",
    "load_agreement",
    "read_agreement",
    "read_draft",
    "read_version",
    "require_in_force",
]
