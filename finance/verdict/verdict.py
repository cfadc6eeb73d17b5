"""Verdict on a plan: fundable as planned, not yet, or not; it follows from the checks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from finance.verdict.checks import Check, CheckName, Status

FATAL = frozenset({CheckName.MARGIN})
"""Checks whose failure money does not mend: each further customer costs more than it pays."""


class Answer(StrEnum):
    """Answer to the question whether the plan is worth funding."""

    FUNDABLE = "fundable"
    """No check fails."""
    NOT_YET = "not_yet"
    """A check fails that another plan, a round or a measurement can mend."""
    NO = "no"
    """Sales cost more than they bring, so that more money only delays the end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Answer with the checks that decided it."""

    answer: Answer
    failed: tuple[Check, ...]
    cautions: tuple[Check, ...]
    passed: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[Check, ...]:
        """Checks that the answer follows from: the failed ones, or all that passed."""
        return self.failed or self.passed


def verdict(found: Sequence[Check]) -> Verdict:
    """Return the verdict that follows from the checks."""
    failed, cautions, passed = (
        tuple(check for check in found if check.status is status)
        for status in (Status.FAILS, Status.CAUTION, Status.OK)
    )
    if any(check.name in FATAL for check in failed):
        answer = Answer.NO
    else:
        answer = Answer.NOT_YET if failed else Answer.FUNDABLE
    return Verdict(answer, failed, cautions, passed)
