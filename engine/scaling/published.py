"""Published runs, as sets for fitting and testing laws.

``data/scaling_sets.csv`` describes each set and its peculiarities. ``data/scaling/`` holds the
points, in one file for each source; a set has the rows of one training data and one evaluation.
Only sources whose licence allows it are included.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Literal

from engine.facts import Fact, look_up, read_facts
from engine.field_types import OptionalBoolCell
from engine.paths import DATA_DIR
from engine.scaling.laws import Counting
from engine.scaling.runs import TrainingRuns, read_runs


class PublishedSet(Fact):
    """Runs of one source that were trained and evaluated on the same data: one curve L(N, D)."""

    set_id: str
    """Name of the set: file, training data and evaluation."""
    file: str
    """Name of the file in ``data/scaling/``, without its suffix."""
    dataset: str
    """Training data, as named in the file."""
    split: str
    """Evaluation data, as named in the file; empty for every row of the dataset."""
    label: str
    parameters_counted: Counting
    annealed: OptionalBoolCell
    """Whether the learning rate of each run decayed to its end; None if unknown."""
    repeats_tokens: bool
    licence: Literal["Apache-2.0", "MIT"]
    url: str
    notes: str
    """Conventions and unusual points of the set."""


@cache
def published_sets() -> dict[str, PublishedSet]:
    """All sets by ``set_id``."""
    rows = read_facts(DATA_DIR / "scaling_sets.csv", PublishedSet)
    return {row.set_id: row for row in rows}


def published_set(set_id: str, field: str = "set") -> PublishedSet:
    """Return the set of that name.

    Raises
    ------
    InputError
        If there is none; the message has the nearest names.
    """
    return look_up(published_sets(), set_id, field)


@cache
def runs_of(published: PublishedSet) -> TrainingRuns:
    """Return the runs of a set. All callers share the arrays, which are read-only."""
    only = {"dataset": published.dataset}
    if published.split:
        only["split"] = published.split
    path = DATA_DIR / "scaling" / f"{published.file}.csv"
    runs = read_runs(path, path.name, published.parameters_counted, only=only)
    for values in (runs.parameters, runs.tokens, runs.loss, runs.flops, runs.unique_tokens):
        if values is not None:
            values.setflags(write=False)
    return replace(runs, annealed=published.annealed)
