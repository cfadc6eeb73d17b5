"""Revenue lines of a new company, as plain data for its document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.plan import Plan
from engine.text import Catalog
from engine.units import MONTHS_PER_YEAR
from finance.start.answers import SalesAnswer, SalesKind, StartAnswers
from finance.start.defaults import (
    Origins,
    StartDefault,
    default_of,
    scopes_of,
    usual_company,
)

Data = dict[str, Any]
_SHARE = Decimal("0.0001")


def sales_of_company(answers: StartAnswers) -> tuple[SalesAnswer, ...]:
    """Return the answered revenue, or what a company of this kind usually sells."""
    if answers.sales is not None:
        return answers.sales
    return tuple(SalesAnswer(kind=kind) for kind in usual_company(answers.product).sales)


def default_price(kind: SalesKind, active_parameters: float, country: str) -> StartDefault:
    """Return the default price of ``kind``.

    A million tokens cost what open models of the same size cost at a public host, in every country.
    Other prices have the level of the country, if the table has one.
    """
    if kind == "tokens":
        sizes = scopes_of("tokens.price")
        size = next((size for size in sizes if active_parameters <= float(size)), sizes[-1])
        return default_of("tokens.price", size)
    price = default_of(f"{kind}.price")
    if country not in scopes_of("price_level"):
        return price
    level = default_of("price_level", country)
    return price.model_copy(
        update={
            "value": str(price.number * level.number),
            "confidence": level.confidence,
            "notes": f"{price.notes}; {level.value} of it in {country}",
        }
    )


def revenue_lines(
    answers: StartAnswers, plan: Plan, launch_month: int, text: Catalog, origins: Origins
) -> list[Data]:
    """Return the revenue lines; those without a month of their own start in ``launch_month``."""
    active = plan.shape.count_parameters().active
    lines = []
    for number, sale in enumerate(sales_of_company(answers)):
        path = f"company.revenue_lines.{number}"
        line = _Line(sale, path, origins, default_price(sale.kind, active, answers.country))
        made = {
            "contracts": line.contracts,
            "tokens": line.tokens,
            "licence": line.licence,
            "services": line.services,
        }[sale.kind]()
        if sale.launch_month is None:
            origins.mark(default_of("months_to_launch"), f"{path}.launch_month")
        else:
            origins.answer(f"{path}.launch_month")
        lines.append(
            {
                "name": text(f"start.sales.{sale.kind}"),
                "launch_month": sale.launch_month or launch_month,
            }
            | made
        )
    return lines


class _Line:
    """One answer about revenue on its way to a revenue line."""

    def __init__(
        self, sale: SalesAnswer, path: str, origins: Origins, usual_price: StartDefault
    ) -> None:
        self.sale, self.path, self.origins, self.usual_price = sale, path, origins, usual_price

    def contracts(self) -> Data:
        """Return yearly contracts that are invoiced in advance."""
        return {
            "kind": "enterprise",
            "adoption": self._adoption(),
            "price_per_year": self._price("price_per_year"),
            "renewal_share": self._renewal("renewal_share"),
            "usage": self._usage(),
        }

    def tokens(self) -> Data:
        """Return sales of tokens, at the same price for input and output."""
        price = self._price(
            "price_per_million_input_tokens",
            "price_per_million_cached_tokens",
            "price_per_million_output_tokens",
        )
        return {
            "kind": "api_tokens",
            "adoption": self._adoption(),
            "retention": {"kind": "constant", "churn_share_per_month": str(self._churn())},
            "usage": self._usage(),
            "price_per_million_input_tokens": price,
            "price_per_million_cached_tokens": price,
            "price_per_million_output_tokens": price,
        }

    def licence(self) -> Data:
        """Return yearly licences of installations; they run on the customers' own devices."""
        return {
            "kind": "enterprise",
            "adoption": self._adoption(),
            "price_per_year": self._price("price_per_year"),
            "renewal_share": self._renewal("renewal_share"),
        }

    def services(self) -> Data:
        """Return days of work."""
        return {
            "kind": "services",
            "days_per_month": self._number("customers", self.sale.customers, "days_per_month"),
            "price_per_day": self._price("price_per_day"),
            "change_share_per_year": self._number(
                "growth", self.sale.growth_share, "change_share_per_year"
            ),
        }

    def _adoption(self) -> Data:
        return {
            "kind": "growth",
            "customers_at_launch": self._number(
                "customers", self.sale.customers, "adoption.customers_at_launch"
            ),
            "growth_share_per_month": self._number(
                "growth", self.sale.growth_share, "adoption.growth_share_per_month"
            ),
        }

    def _price(self, *names: str) -> str:
        paths = [f"{self.path}.{name}" for name in names]
        if self.sale.price is None:
            return str(self.origins.mark(self.usual_price, *paths).number)
        self.origins.answer(*paths)
        return str(self.sale.price)

    def _number(self, name: str, given: Decimal | None, field: str) -> str:
        key = f"{self.sale.kind}.{name}"
        return str(self.origins.number(given, key, f"{self.path}.{field}"))

    def _churn(self) -> Decimal:
        row = default_of(f"{self.sale.kind}.churn", self.sale.churn)
        if self.sale.churn == "normal":
            self.origins.mark(row, f"{self.path}.retention.churn_share_per_month")
        else:
            self.origins.answer(f"{self.path}.retention.churn_share_per_month", source=row.citation)
        return row.number

    def _renewal(self, field: str) -> str:
        """Return the share of customers who stay for a year of monthly churn."""
        row = default_of(f"{self.sale.kind}.churn", self.sale.churn)
        if self.sale.churn == "normal":
            self.origins.mark(row, f"{self.path}.{field}")
        else:
            self.origins.answer(f"{self.path}.{field}", source=row.citation)
        return str(((1 - row.number) ** MONTHS_PER_YEAR).quantize(_SHARE))

    def _usage(self) -> Data:
        read, written = (
            default_of(f"{self.sale.kind}.{name}") for name in ("input_tokens", "output_tokens")
        )
        given = self.sale.input_tokens_per_month
        if given is None:
            self.origins.mark(read, f"{self.path}.usage.input_tokens_per_month")
            given = read.count
        else:
            self.origins.answer(f"{self.path}.usage.input_tokens_per_month")
        self.origins.mark(written, f"{self.path}.usage.output_tokens_per_month")
        return {
            "input_tokens_per_month": given,
            "output_tokens_per_month": round(given * written.number / read.number),
        }
