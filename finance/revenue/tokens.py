"""Tokens that customers use, by kind, since each kind has its own price and serving cost."""

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
    """Input tokens that are not read from the cache."""
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
        """Tokens of all kinds, in millions."""
        return self.new_input + self.cached_input + self.output

    def weighted_sum(self, new_input: Floats, cached_input: Floats, output: Floats) -> Floats:
        """Return Σ tokens × value, with a price, cost or time per million tokens of each kind."""
        return self.new_input * new_input + self.cached_input * cached_input + self.output * output


def tokens_used(
    numbers: Numbers, usage: str, users: Floats, launch_month: int, n_months: int
) -> TokenCounts:
    """Return the tokens that the users of each month use.

    Parameters
    ----------
    usage
        Path of the usage in the line's document.
    users
        Number of users in each month. Shape (1 or trials, months).
    """
    change = numbers(f"{usage}.change_share_per_year")
    grown = (
        users
        * yearly_change_factor(change, months_since(launch_month, n_months))
        / TOKENS_PER_MILLION
    )
    read = grown * numbers(f"{usage}.input_tokens_per_month")
    cached = read * numbers(f"{usage}.cached_share")
    return TokenCounts(read - cached, cached, grown * numbers(f"{usage}.output_tokens_per_month"))
