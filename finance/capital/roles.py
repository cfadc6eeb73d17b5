"""Roles that the document of a cap table gives to holders."""

from __future__ import annotations

from enum import StrEnum


class HolderRole(StrEnum):
    """Role of a holder in the company."""

    FOUNDER = "founder"
    EMPLOYEE = "employee"
    ADVISER = "adviser"
    INVESTOR = "investor"
    OTHER = "other"
    """Any other holder, such as a lender with a warrant or a supplier paid in shares."""


INSIDERS = frozenset({HolderRole.FOUNDER, HolderRole.EMPLOYEE, HolderRole.ADVISER})
"""Roles of holders who got their shares for work: their payments are no money from investors, and
they have no multiple of invested capital."""
