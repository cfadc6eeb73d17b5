"""Tokens that customers use, by how they are priced and served."""

from __future__ import annotations

from dataclasses import dataclass

from engine.units import TOKENS_PER_MILLION
from finance.books.cents import Floats
from finance.books.months import months_since, yearly_change_factor
from finance.books.trials import Numbers


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Millions of tokens in each month. Shapes (1 or trials, months)."""

    new_input: Floats
    """Input that is computed."""
    cached_input: Floats
    output: Floats

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.new_input + other.new_input,
            self.cached_input + other.cached_input,
            self.output + other.output,
        )

    @property
    def total(self) -> Floats:
        return self.new_input + self.cached_input + self.output

    def weighted_sum(self, new_input: Floats, cached_input: Floats, output: Floats) -> Floats:
        """Σ tokens × something for a million of each kind: prices, costs, hours."""
        return self.new_input * new_input + self.cached_input * cached_input + self.output * output


def tokens_used(
    numbers: Numbers, usage: str, users: Floats, launch_month: int, n_months: int
) -> TokenCounts:
    """What ``users`` of each month use, by the document's usage of that name."""
    change = numbers(f"{usage}.change_share_per_year")
    grown = (
        users
        * yearly_change_factor(change, months_since(launch_month, n_months))
        / TOKENS_PER_MILLION
    )
    read = grown * numbers(f"{usage}.input_tokens_per_month")
    cached = read * numbers(f"{usage}.cached_share")
    return TokenCounts(read - cached, cached, grown * numbers(f"{usage}.output_tokens_per_month"))
