"""Verdict on a plan: fundable as planned, not yet, or not; it follows from the checks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from finance.verdict.findings import Check, CheckName, Status

FATAL = frozenset({(CheckName.MARGIN, "fails")})
"""Checks and cases that money does not mend: each further customer costs more than it pays."""


_TELLING = (CheckName.CASH_AFTER_ROUND, CheckName.MARGIN, CheckName.BURN)
"""Checks that say most about a fundable plan."""


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
        """Checks that the answer follows from: the failed ones, or else those that passed, with the
        most telling first."""
        order = {name: place for place, name in enumerate(_TELLING)}
        telling = sorted(self.passed, key=lambda check: order.get(check.name, len(order)))
        return self.failed or tuple(telling)


def verdict(found: Sequence[Check]) -> Verdict:
    """Return the verdict that follows from the checks."""
    failed, cautions, passed = (
        tuple(check for check in found if check.status is status)
        for status in (Status.FAILS, Status.CAUTION, Status.OK)
    )
    if any((check.name, check.case) in FATAL for check in failed):
        answer = Answer.NO
    else:
        answer = Answer.NOT_YET if failed else Answer.FUNDABLE
    return Verdict(answer, failed, cautions, passed)
