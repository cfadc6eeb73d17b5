"""Roles of holders as relationships of the Open Cap Table Format (StakeholderRelationshipType)."""

from __future__ import annotations

from finance.capital.ocf.objects import Stakeholder
from finance.capital.roles import HolderRole

RELATIONSHIPS = {
    HolderRole.FOUNDER: "FOUNDER",
    HolderRole.EMPLOYEE: "EMPLOYEE",
    HolderRole.ADVISER: "ADVISOR",
    HolderRole.INVESTOR: "INVESTOR",
    HolderRole.OTHER: "OTHER",
}
"""Relationship that is written for each role."""
_ROLES = {relationship: role for role, relationship in RELATIONSHIPS.items()} | {
    "EX_EMPLOYEE": HolderRole.EMPLOYEE,
    "NON_US_EMPLOYEE": HolderRole.EMPLOYEE,
    "EXECUTIVE": HolderRole.EMPLOYEE,
    "OFFICER": HolderRole.EMPLOYEE,
    "EX_ADVISOR": HolderRole.ADVISER,
    "CONSULTANT": HolderRole.ADVISER,
    "EX_CONSULTANT": HolderRole.ADVISER,
    "BOARD_MEMBER": HolderRole.ADVISER,
}


def role_of_stakeholder(stakeholder: Stakeholder) -> HolderRole | None:
    """Return the role of a stakeholder, or None if its relationship is not stated or not known.

    A founder who is also an officer or a member of the board is a founder.
    """
    stated = [stakeholder.current_relationship, *stakeholder.current_relationships]
    found = [_ROLES[relationship] for relationship in stated if relationship in _ROLES]
    return HolderRole.FOUNDER if HolderRole.FOUNDER in found else next(iter(found), None)
