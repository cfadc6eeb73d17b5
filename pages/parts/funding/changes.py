"""Changes of the cap table: tried on the draft before they are made, with the reason in words."""

from __future__ import annotations

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.funding.refusals import Refusal, refusal
from finance.funding.rounds import Changes
from pages.parts.session import draft, text


def tried_on_draft(changes: Changes) -> Scenario | Refusal:
    """Return the draft with the changes, or the reason why they are refused."""
    try:
        return draft().with_values(changes)
    except InputError as error:
        return refusal(text(), error, changes["company.capital"]["events"])
