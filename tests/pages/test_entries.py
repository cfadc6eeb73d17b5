"""Fields of lists have labels in both languages, and the kinds that their documents state."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import pytest

from engine.documents import Document
from engine.text import LANGUAGES, Catalog, catalog
from finance.company.company import Company
from finance.compute.contracts import GpuBackedDebt
from finance.costs.people import Role
from finance.revenue.lines import Subscription, SubscriptionPlan
from pages.parts.fields import from_percent
from pages.parts.kinds import field_kind, is_percent, union_kinds
from pages.parts.tables import cells_of, documents_of, frame_of

LISTS = ("revenue_lines", "training_events", "data", "people", "spending", "inflows", "loans")


def documents(kind: Any) -> Iterator[type[Document]]:
    """Return all classes of documents in a field's type."""
    if isinstance(kind, type) and issubclass(kind, Document):
        yield kind
        for info in kind.model_fields.values():
            yield from documents(info.annotation)
    for part in get_args(kind):
        yield from documents(part)


def edited() -> set[type[Document]]:
    kinds = [Company.model_fields[name].annotation for name in (*LISTS, "compute", "tax")]
    return {document for kind in kinds for document in documents(kind)}


def test_the_lists_hold_many_kinds_of_documents() -> None:
    assert {Subscription, SubscriptionPlan, GpuBackedDebt} < edited()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_and_every_choice_has_words(language: str) -> None:
    text = catalog(language)
    for document in edited():
        for name, info in document.model_fields.items():
            kind = field_kind(info).type
            if get_origin(kind) is dict or name == "contracts":
                continue  # not drawn, or a list with labels of its own
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


def test_rows_are_documents_again_and_untouched_cells_keep_what_they_had() -> None:
    before = [
        {
            "title": "One",
            "people": 2,
            "cost_usd_per_month": "6000.10",
            "on_cost_share": "0.2133333",
        },
        {"title": "Two", "people": 1, "cost_usd_per_month": "5000.00"},
    ]
    documents = [Role.parse(row).model_dump(mode="json") for row in before]
    kinds = cells_of(Role)
    frame = frame_of(documents, kinds)
    after = frame.drop(index=1)
    after.loc[0, "people"] = 3
    after.loc[2] = frame.loc[0]
    after.loc[2, ["title", "on_cost_share", "end_month"]] = ["Three", 12.5, 9]
    first, added = (
        Role.parse(document) for document in documents_of(Role, documents, frame, after, kinds)
    )
    assert first == Role.parse(before[0] | {"people": 3})
    assert (added.title, added.on_cost_share, added.end_month) == ("Three", Decimal("0.125"), 9)


def test_an_emptied_cell_is_nothing_or_what_the_document_takes_by_itself() -> None:
    role = {"title": "One", "people": 2, "cost_usd_per_month": "6000", "end_month": 9,
            "region": "DE"}  # fmt: skip
    documents, kinds = [Role.parse(role).model_dump(mode="json")], cells_of(Role)
    frame = frame_of(documents, kinds)
    after = frame.copy()
    after.loc[0, ["end_month", "region"]] = [None, None]
    (emptied,) = documents_of(Role, documents, frame, after, kinds)
    assert Role.parse(emptied) == Role.parse(role | {"end_month": None, "region": ""})


def test_parts_of_a_document_are_cells_too() -> None:
    plan = {"name": "Plus", "share": "1", "price_per_month": "20"}
    documents, kinds = (
        [SubscriptionPlan.parse(plan).model_dump(mode="json")],
        cells_of(SubscriptionPlan),
    )
    frame = frame_of(documents, kinds)
    after = frame.copy()
    after.loc[0, "usage.output_tokens_per_month"] = 5_000_000
    (changed,) = documents_of(SubscriptionPlan, documents, frame, after, kinds)
    assert SubscriptionPlan.parse(changed).usage.output_tokens_per_month == 5_000_000
    assert documents[0]["usage"]["output_tokens_per_month"] == 0
