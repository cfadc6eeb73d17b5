"""Training tokens as one budget: bought or made, unique, and trained."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.scaling.repeated import effective_tokens, repeated_coefficients
from engine.units import TOKENS_PER_MILLION
from finance.company.scenario import Scenario
from finance.costs.spending import DataCost

ADDS_TOKENS = ("licence", "crawling", "synthetic")
"""Kinds of data costs that add tokens to train on; cleaning and labelling add none."""
_LAW = "muennighoff_2023"


@dataclass(frozen=True, slots=True)
class DataSource:
    """Tokens of one data cost of the company."""

    data: DataCost
    cost_usd: Decimal
    adds_tokens: bool
    """Whether the cost adds tokens to train on; cleaning and labelling work on tokens that are
    counted elsewhere."""


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """Tokens that the company lists and those that the plan trains on."""

    sources: tuple[DataSource, ...]
    trained_tokens: int
    """Tokens of one run of the plan, repetitions included."""
    listed_tokens: int
    """Tokens that the data costs add. Each is assumed to be unique."""
    cost_usd: Decimal

    @property
    def unlisted_tokens(self) -> int:
        """Tokens that neither a data cost nor the repetition limit explains: free text."""
        return max(0, self.trained_tokens - self.listed_tokens)

    @property
    def epochs(self) -> Decimal | None:
        """Times that each listed token is read if no other text is used; None without any."""
        if not self.listed_tokens:
            return None
        return Decimal(self.trained_tokens) / self.listed_tokens

    @property
    def covered_share(self) -> Decimal:
        """Share of the trained tokens that the listed ones cover in a single epoch."""
        return min(Decimal(1), Decimal(self.listed_tokens) / self.trained_tokens)

    @property
    def worth_tokens(self) -> float | None:
        """Fresh tokens that the trained ones are worth if only listed tokens are read.

        Muennighoff 2023 (arXiv:2305.16264), equation 5.
        """
        if not self.listed_tokens:
            return None
        law = repeated_coefficients()[_LAW]
        return float(effective_tokens(law, self.trained_tokens, self.listed_tokens))


def token_budget(scenario: Scenario) -> TokenBudget:
    """Return the token budget of a scenario's plan and company."""
    company = scenario.company
    sources = tuple(
        DataSource(
            data,
            data.price_per_million_tokens
            * data.tokens
            / TOKENS_PER_MILLION
            * Decimal(repr(company.usd_per_unit(data.currency))),
            data.kind in ADDS_TOKENS,
        )
        for data in company.data
    )
    return TokenBudget(
        sources,
        scenario.plan.tokens,
        sum(source.data.tokens for source in sources if source.adds_tokens),
        sum((source.cost_usd for source in sources), Decimal(0)),
    )
