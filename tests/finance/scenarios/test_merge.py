"""Merges of two edits, by hand and against a reference that works on flat tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.scenarios.alignment import aligned
from finance.scenarios.changes import Change, changes
from finance.scenarios.merge import ABSENT, Conflict, merge


def person(title: str, people: int = 1, **more: object) -> dict[str, object]:
    return {"title": title, "people": people, "start_month": 1, "region": "US", **more}


A, B, C = person("Researcher"), person("Engineer"), person("Designer")


def test_changes_of_different_fields_merge_without_a_question() -> None:
    base = {"cash": "5", "plan": {"tokens": 10, "layers": 2}}
    mine = {"cash": "4.5", "plan": {"tokens": 10, "layers": 2}}
    theirs = {"cash": "5", "plan": {"tokens": 20, "layers": 2}}
    merged = merge(base, mine, theirs)
    assert merged.document == {"cash": "4.5", "plan": {"tokens": 20, "layers": 2}}
    assert merged.conflicts == []


def test_one_field_changed_by_both_is_a_conflict_until_a_side_is_chosen() -> None:
    base, mine, theirs = ({"plan": {"cash": value}} for value in ("5", "4.5", "6"))
    merged = merge(base, mine, theirs)
    assert merged.conflicts == [Conflict("plan.cash", "5", "4.5", "6")]
    assert merged.document == mine
    chosen = merge(base, mine, theirs, {"plan.cash": "theirs"})
    assert chosen.document == theirs
    assert chosen.conflicts == merged.conflicts


def test_entries_added_by_both_are_kept() -> None:
    merged = merge({"people": [A]}, {"people": [A, B]}, {"people": [C, A]})
    assert merged.document == {"people": [C, A, B]}
    assert merged.conflicts == []


def test_an_entry_that_both_added_alike_is_there_once() -> None:
    merged = merge({"people": [A]}, {"people": [A, B]}, {"people": [A, B, C]})
    assert merged.document == {"people": [A, B, C]}
    assert merged.conflicts == []


def test_an_entry_that_both_added_with_other_values_is_a_conflict() -> None:
    mine, theirs = person("Engineer", 2), person("Engineer", 3)
    merged = merge({"people": [A]}, {"people": [A, mine]}, {"people": [A, theirs]})
    assert merged.conflicts == [Conflict("people.1", ABSENT, mine, theirs)]
    assert merge(
        {"people": [A]}, {"people": [A, mine]}, {"people": [A, theirs]}, {"people.1": "theirs"}
    ).document == {"people": [A, theirs]}


def test_an_edit_of_an_entry_survives_the_removal_of_another() -> None:
    merged = merge(
        {"people": [A, B, C]}, {"people": [B, C]}, {"people": [A, B, person("Designer", 4)]}
    )
    assert merged.document == {"people": [B, person("Designer", 4)]}
    assert merged.conflicts == []


@pytest.mark.parametrize(("side", "left"), [("mine", []), ("theirs", [person("Researcher", 7)])])
def test_an_entry_that_one_removed_and_the_other_changed_is_a_conflict(
    side: Any, left: list[object]
) -> None:
    base, mine, theirs = {"people": [A]}, {"people": []}, {"people": [person("Researcher", 7)]}
    merged = merge(base, mine, theirs, {"people.0": side})
    assert merged.conflicts == [Conflict("people.0", A, ABSENT, person("Researcher", 7))]
    assert merged.document == {"people": left}


def test_the_side_that_moved_entries_decides_the_order() -> None:
    base = {"people": [A, B, C]}
    moved, edited = {"people": [C, A, B]}, {"people": [A, person("Engineer", 9), C]}
    expected = {"people": [C, A, person("Engineer", 9)]}
    assert merge(base, moved, edited).document == expected
    assert merge(base, edited, moved).document == expected


def test_a_renamed_entry_keeps_the_edits_of_the_other_side() -> None:
    merged = merge(
        {"people": [A, B]},
        {"people": [A, person("Senior engineer")]},
        {"people": [A, person("Engineer", 3)]},
    )
    assert merged.document == {"people": [A, person("Senior engineer", 3)]}
    assert merged.conflicts == []


def test_a_table_of_another_kind_is_taken_whole() -> None:
    rent = {"kind": "rent", "usd": 1, "months": 2}
    own, longer = {"kind": "own", "usd": 5, "years": 3}, {"kind": "rent", "usd": 1, "months": 9}
    merged = merge({"pay": rent}, {"pay": own}, {"pay": longer})
    assert merged.conflicts == [Conflict("pay", rent, own, longer)]
    assert merged.document == {"pay": own}


def test_lists_of_values_are_one_value() -> None:
    merged = merge({"serves": ["a"]}, {"serves": ["a", "b"]}, {"serves": ["c"]})
    assert merged.conflicts == [Conflict("serves", ["a"], ["a", "b"], ["c"])]


def test_changes_name_paths_and_values() -> None:
    old = {"cash": "5", "people": [A, B], "round": None}
    new = {
        "cash": "4.5",
        "people": [person("Designer", 4), person("Researcher", 2)],
        "round": {"usd": 4},
    }
    assert changes(old, new) == [
        Change("set", "cash", "5", "4.5"),
        Change("removed", "people.1", B, None),
        Change("added", "people.0", None, person("Designer", 4)),
        Change("set", "people.1.people", 1, 2),
        Change("set", "round", None, {"usd": 4}),
    ]
    assert changes({"people": [A, B]}, {"people": [B, A]}) == [
        Change("moved", "people", [A, B], [B, A])
    ]
    assert changes(old, old) == []


def test_entries_are_recognised_by_content_name_and_similarity() -> None:
    renamed = person("Senior engineer")
    assert aligned([A, B, C], [C, renamed, person("Researcher", 5)]) == {0: 2, 1: 1, 2: 0}
    assert aligned([A], [{"title": "Cook", "people": 9, "start_month": 7, "region": "DE"}]) == {}
    assert aligned([A, A], [A]) == {0: 0}
    assert aligned([{"kind": "x", "name": "n"}], [{"kind": "y", "name": "n"}]) == {}


# Documents for properties: tables of tables, and one list whose entries have unique names.
values = st.integers(0, 3)
tables = st.dictionaries(st.sampled_from("abc"), values)
named = st.lists(
    st.builds(
        lambda name, x, y: {"name": name, "x": x, "y": y, "same": 0, "too": 0, "also": 0},
        st.sampled_from("pqrst"),
        values,
        values,
    ),
    unique_by=lambda entry: entry["name"],
    max_size=4,
)
documents = st.fixed_dictionaries({"table": st.fixed_dictionaries({"in": tables}), "list": named})


@given(documents, documents)
def test_one_side_alone_is_taken_over(base: dict[str, Any], edited: dict[str, Any]) -> None:
    for merged in (
        merge(base, edited, base),
        merge(base, base, edited),
        merge(base, edited, edited),
    ):
        assert merged.document == edited
        assert merged.conflicts == []


@given(documents, documents, documents)
def test_both_orders_of_a_merge_have_the_same_conflicts(
    base: dict[str, Any], left: dict[str, Any], right: dict[str, Any]
) -> None:
    forth, back = merge(base, left, right), merge(base, right, left)
    # Paths may differ: entries that both added are numbered in the order of one side.
    assert {(repr(c.base), repr(c.mine), repr(c.theirs)) for c in forth.conflicts} == {
        (repr(c.base), repr(c.theirs), repr(c.mine)) for c in back.conflicts
    }


@given(documents, documents, documents)
def test_choosing_the_other_side_everywhere_is_the_merge_the_other_way(
    base: dict[str, Any], left: dict[str, Any], right: dict[str, Any]
) -> None:
    conflicts = merge(base, left, right).conflicts
    theirs = merge(base, left, right, {conflict.path: "theirs" for conflict in conflicts})
    assert _by_name(theirs.document) == _by_name(merge(base, right, left).document)


@given(tables, tables, tables)
def test_tables_merge_as_a_reference_does(
    base: dict[str, int], mine: dict[str, int], theirs: dict[str, int]
) -> None:
    merged = merge(base, mine, theirs)
    expected, conflicts = _reference(base, mine, theirs)
    assert merged.document == expected
    assert {conflict.path for conflict in merged.conflicts} == conflicts


@given(named, named, named)
def test_lists_of_named_entries_merge_as_tables_by_name(
    base: list[dict[str, Any]], mine: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> None:
    """Keep to edits that neither rename nor clash, where the reference is plain."""
    sides = [{entry["name"]: entry for entry in side} for side in (base, mine, theirs)]
    names = [set(side) for side in sides]
    # A name that comes while another goes may be a rename, which tables cannot express.
    for edited in (names[1], names[2]):
        if names[0] - edited and edited - names[0]:
            return
    expected: dict[str, Any] = {}
    for name in names[0] | names[1] | names[2]:
        before, left, right = (side.get(name) for side in sides)
        if left == right or right == before:
            value = left
        elif left == before:
            value = right
        elif before and left and right:
            value, _ = _reference(before, left, right)
        else:
            value = left
        if value is not None:
            expected[name] = value
    merged = merge({"list": base}, {"list": mine}, {"list": theirs})
    assert {entry["name"]: entry for entry in merged.document["list"]} == expected
    assert len(merged.document["list"]) == len(expected)


@given(documents, documents)
def test_no_changes_are_listed_for_equal_documents_only(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert (changes(old, new) == []) == (old == new)


def _reference(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> tuple[dict[str, Any], set[str]]:
    """Return the three-way merge of flat tables and the keys in conflict."""
    merged, conflicts = {}, set()
    for key in base.keys() | mine.keys() | theirs.keys():
        before, left, right = (side.get(key) for side in (base, mine, theirs))
        if left != right and before not in (left, right):
            conflicts.add(key)
        value = right if left == before else left
        if value is not None:
            merged[key] = value
    return merged, conflicts


def _by_name(document: dict[str, Any]) -> object:
    return document["table"], sorted(
        document["list"], key=lambda entry: sorted(entry.items()).__repr__()
    )
