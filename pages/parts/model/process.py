"""Exported models in hand: which one is shown, and the process that answers about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.runs.exported_models import FINAL, export_folder, exports, trained_until
from engine.runs.folder import Run
from engine.runs.model_process import ModelProcess
from pages.parts.session import text


@dataclass(frozen=True, slots=True)
class Export:
    """One model of a run."""

    run: Run
    which: str

    @property
    def folder(self) -> Path:
        return export_folder(self.run, self.which)

    @property
    def is_masked(self) -> bool:
        """Whether it fills in masked words instead of writing on."""
        return self.run.recipe.model_class == "bert"


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda one: one.close())
def _process(run_id: str) -> ModelProcess:
    """One process a run, kept between requests; the oldest goes when a third comes."""
    return ModelProcess()


def process_of(run: Run) -> ModelProcess:
    if not _process(run.id).is_alive:
        _process.clear(run.id)
    return _process(run.id)


def which_label(run: Run, which: str) -> str:
    """The final model, or a checkpoint by its step and tokens."""
    say = text()
    if which == FINAL:
        return say("model.final")
    step, tokens = trained_until(run, which)
    if step is None or tokens is None:
        return which
    return say("model.checkpoint", step=step, tokens=quantities.count(tokens, say.language))


def choose_export(runs: list[Run]) -> Export:
    """Which run, and which of its models where it has several."""
    say = text()
    by_id = {run.id: run for run in runs}
    wanted = st.session_state.get("shown_run")
    left, right = st.columns([3, 2])
    chosen = left.selectbox(
        say("model.run"),
        list(by_id),
        index=list(by_id).index(wanted) if wanted in by_id else 0,
        key="model_choice",
    )
    run = by_id[chosen]
    known = exports(run)
    labels = {which: which_label(run, which) for which in known}
    which = right.selectbox(
        say("model.which"),
        known,
        format_func=labels.__getitem__,
        help=say("model.which_help"),
        disabled=len(known) == 1,
        # A select box answers with its label: other labels must be another box.
        key=f"model_which#{run.id}.{hash(tuple(labels.values()))}",
    )
    return Export(run, which)


@contextmanager
def said_in_one_line() -> Iterator[None]:
    """What goes wrong inside is shown as one line."""
    try:
        yield
    except (InputError, RuntimeError, OSError) as error:
        language = text().language
        line = error.in_language(language) if isinstance(error, InputError) else str(error)
        st.error(line, icon=":material/error:")
