"""Differences and merges of scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finance.company.provenance import carried_provenance
from finance.company.scenario import Scenario
from finance.scenarios.changes import Change, changes
from finance.scenarios.merge import Conflict, Side, merge

_NOT_FIGURES = ("schema_version", "provenance")


def figures(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scenario's plain data without its provenance and its schema's version."""
    return {name: value for name, value in document.items() if name not in _NOT_FIGURES}


def scenario_changes(old: Scenario, new: Scenario) -> list[Change]:
    """Return what differs between two scenarios, apart from who set the values."""
    return changes(_figures_of(old), _figures_of(new))


def conflicts_of(base: Scenario, mine: Scenario, theirs: Scenario) -> list[Conflict]:
    """Return the places that two edits of a scenario both changed to different values."""
    return merge(_figures_of(base), _figures_of(mine), _figures_of(theirs)).conflicts


def merged_scenario(
    base: Scenario,
    mine: Scenario,
    theirs: Scenario,
    choices: Mapping[str, Side] | None = None,
) -> Scenario:
    """Return the merge of two edits of a scenario; see :func:`finance.scenarios.merge.merge`.

    A value keeps the provenance of the side that it comes from.

    Raises
    ------
    InputError
        If both edits together are not allowed, such as a number of heads by one side that the
        other side's number of key/value heads does not divide.
    """
    sides = [_figures_of(scenario) for scenario in (base, mine, theirs)]
    document = merge(sides[0], sides[1], sides[2], choices).document
    merged = Scenario.parse({"schema_version": mine.schema_version} | document)
    values = figures(merged.model_dump(mode="json"))
    entries = carried_provenance(theirs.provenance, sides[2], values)
    entries |= carried_provenance(mine.provenance, sides[1], values)
    return merged.model_copy(update={"provenance": dict(sorted(entries.items()))})


def _figures_of(scenario: Scenario) -> dict[str, Any]:
    return figures(scenario.model_dump(mode="json"))
