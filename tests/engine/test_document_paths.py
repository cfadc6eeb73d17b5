"""Dotted paths read, replace, set and remove values in documents, mappings and lists."""

from typing import Any

import pytest
from pydantic import Field

from engine.document_paths import (
    field_name,
    parent_path,
    path_of_location,
    put_value,
    remove_value,
    replace_value,
    value_at,
    value_or_none,
)
from engine.documents import Document


class Person(Document):
    title: str


class Team(Document):
    lead: Person | None = None
    people: tuple[Person, ...] = ()
    notes: dict[str, int] = Field(default_factory=dict)


TEAM = Team(lead=Person(title="CTO"), people=(Person(title="A"), Person(title="B")), notes={"x": 1})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lead.title", "CTO"),
        ("people.1.title", "B"),
        ("notes.x", 1),
        ("", TEAM),
    ],
)
def test_the_same_path_reads_a_document_and_its_plain_data(path: str, value: object) -> None:
    assert value_at(TEAM, path) == value
    if path:
        assert value_at(TEAM.model_dump(mode="json"), path) == value


@pytest.mark.parametrize(
    "path", ["other", "people.2.title", "people.x", "people.-1", "notes.y", "lead.title.upper"]
)
def test_a_path_that_leads_nowhere(path: str) -> None:
    with pytest.raises(LookupError):
        value_at(TEAM, path)
    assert value_or_none(TEAM, path) is None


def test_nothing_lies_below_none() -> None:
    assert value_or_none(Team(), "lead.title") is None
    assert value_or_none(None, "lead") is None


def test_names_of_a_path() -> None:
    assert field_name("company.people.2.title") == "title"
    assert parent_path("company.people.2.title") == "company.people.2"
    assert field_name("name") == "name"
    assert parent_path("name") == ""


def test_replacing_needs_the_tables_above() -> None:
    data: dict[str, Any] = {"a": [{"b": 1}, {"b": 2}]}
    replace_value(data, "a.1.b", 3)
    replace_value(data, "c", 4)
    assert data == {"a": [{"b": 1}, {"b": 3}], "c": 4}
    for path in ("x.b", "a.2.b", "a.7", "c.d"):
        with pytest.raises(LookupError):
            replace_value(data, path, 0)


def test_setting_adds_tables_and_leaves_shared_ones_alone() -> None:
    shared = {"low": 1}
    table: dict[str, Any] = {"bounds": shared, "empty": None}
    put_value(table, "bounds.high", 2)
    put_value(table, "empty.deep.x", 3)
    assert table == {"bounds": {"low": 1, "high": 2}, "empty": {"deep": {"x": 3}}}
    assert shared == {"low": 1}


def test_removing() -> None:
    shared = {"low": 1, "high": 2}
    table: dict[str, Any] = {"bounds": shared}
    remove_value(table, "bounds.high")
    remove_value(table, "name")
    assert table == {"bounds": {"low": 1}}
    assert shared == {"low": 1, "high": 2}


def test_locations_leave_out_the_tag_of_a_union() -> None:
    data = {"lines": [{"kind": "api", "price": -1}]}
    assert path_of_location(("lines", 0, "api", "price"), data) == "lines.0.price"
    assert path_of_location(("lines", 0, "api", "missing"), data) == "lines.0.missing"
    assert path_of_location(("lines", 3, "price"), data) == "lines.3.price"
