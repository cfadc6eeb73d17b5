"""Test that all default entries are valid in a company and have names in both languages."""

from typing import get_args, get_origin

import pytest

from engine.documents import Document
from engine.text import LANGUAGES, catalog
from finance.company.defaults import default_entry, kinds_of
from finance.company.scenario import Scenario
from finance.compute.contracts import DeviceContract, MoneyContract
from finance.revenue.lines import RevenueLine

TABLES = ("revenue_lines", "spending", "data", "training_events", "people", "loans")


@pytest.mark.parametrize(
    ("table", "kind"), [(table, kind) for table in TABLES for kind in kinds_of(table)]
)
def test_each_can_be_added_to_a_company(laptop: Scenario, table: str, kind: str) -> None:
    before = laptop.model_dump(mode="json")["company"][table]
    changed = laptop.with_value(f"company.{table}", [*before, default_entry(table, kind)])
    assert len(getattr(changed.company, table)) == len(before) + 1


@pytest.mark.parametrize("kind", kinds_of("contracts"))
def test_each_contract_can_be_added(laptop: Scenario, kind: str) -> None:
    changed = laptop.with_value("company.compute.contracts", [default_entry("contracts", kind)])
    assert changed.company.compute.contracts[0].kind == kind


@pytest.mark.parametrize("part", ["adoption", "retention", "prices"])
def test_each_part_of_a_line_can_be_another(laptop: Scenario, part: str) -> None:
    lines = [default_entry("revenue_lines", "api_tokens")]
    with_line = laptop.with_value("company.revenue_lines", lines)
    for kind in kinds_of(part):
        changed = with_line.with_value(f"company.revenue_lines.0.{part}", default_entry(part, kind))
        assert getattr(changed.company.revenue_lines[0], part).kind == kind


def test_there_is_a_beginning_of_every_kind() -> None:
    union, _ = get_args(RevenueLine)
    assert set(kinds_of("revenue_lines")) == _kinds(union)
    assert set(kinds_of("contracts")) == _kinds(DeviceContract) | _kinds(MoneyContract)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_name(language: str) -> None:
    text = catalog(language)
    tables = ("revenue_lines", "contracts", "adoption", "retention", "prices")
    for kind in (kind for table in tables for kind in kinds_of(table)):
        assert f"entry_option.kind.{kind}" in text


def _kinds(union: object) -> set[str]:
    documents = [member for member in get_args(union) if get_origin(member) is None]
    assert all(issubclass(document, Document) for document in documents)
    return {get_args(document.model_fields["kind"].annotation)[0] for document in documents}
