"""Fields of lists: every one that a page can draw has words in both languages, and its kind."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import pytest

from engine.documents import Document
from engine.text import LANGUAGES, Catalog, catalog
from finance.company import Company
from finance.compute.contracts import GpuBackedDebt
from finance.revenue.lines import Subscription, SubscriptionPlan
from pages.parts.fields import from_percent
from pages.parts.kinds import field_kind, is_percent, union_kinds

LISTS = ("revenue_lines", "training_events", "data", "people", "spending", "inflows", "loans")


def documents(kind: Any) -> Iterator[type[Document]]:
    """All classes of documents inside a field's type."""
    if isinstance(kind, type) and issubclass(kind, Document):
        yield kind
        for info in kind.model_fields.values():
            yield from documents(info.annotation)
    for part in get_args(kind):
        yield from documents(part)


def edited() -> set[type[Document]]:
    kinds = [Company.model_fields[name].annotation for name in (*LISTS, "compute", "tax")]
    return {one for kind in kinds for one in documents(kind)}


def test_the_lists_hold_many_kinds_of_documents() -> None:
    assert {Subscription, SubscriptionPlan, GpuBackedDebt} < edited()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_and_every_choice_has_words(language: str) -> None:
    text = catalog(language)
    for document in edited():
        for name, info in document.model_fields.items():
            kind = field_kind(info).type
            if get_origin(kind) is dict or name == "contracts":
                continue  # in the file alone; a list with words of its own
            assert f"entry.{name}.label" in text, (document, name)
            for option in _options(kind):
                assert _has_option(text, name, option), (document, name, option)


def _options(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    return get_args(kind) if get_origin(kind) is Literal else ()


def _has_option(text: Catalog, name: str, option: object) -> bool:
    return any(f"{table}.{name}.{option}" in text for table in ("option", "entry_option"))


def test_bounds_are_those_of_the_document_also_where_nothing_may_stand() -> None:
    devices = field_kind(GpuBackedDebt.model_fields["devices"])
    assert (devices.type, devices.optional, devices.low, devices.high) == (int, False, 1, 10**6)
    cash = field_kind(field_kind(GpuBackedDebt.model_fields["covenants"]).type.model_fields[
        "minimum_cash_usd"
    ])  # fmt: skip
    assert (cash.type, cash.optional, cash.low) == (Decimal, True, 0)


def test_a_union_is_told_apart_by_its_kinds() -> None:
    adoption = field_kind(Subscription.model_fields["adoption"]).type
    assert list(union_kinds(adoption)) == ["growth", "bass", "logistic"]
    assert union_kinds(int) == {}


@pytest.mark.parametrize(
    ("name", "percent"),
    [
        ("churn_share_per_month", True),
        ("share", True),
        ("share_of_revenue", True),
        ("uplift_share_at_renewal", True),
        ("price_per_month", False),
        ("shares", False),
    ],
)
def test_shares_are_written_in_percent(name: str, percent: bool) -> None:
    assert is_percent(f"company.revenue_lines.0.{name}") is percent


def test_a_percentage_keeps_the_digits_that_were_typed() -> None:
    assert Decimal(from_percent(12.5)) == Decimal("0.125")
    assert Decimal(from_percent(0.10000000000000009)) == Decimal("0.001")
