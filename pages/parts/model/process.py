"""The exported model that the page shows, and the process that runs it."""

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
    """An exported model of a run: the final one or a checkpoint."""

    run: Run
    which: str

    @property
    def folder(self) -> Path:
        return export_folder(self.run, self.which)

    @property
    def is_masked(self) -> bool:
        """Whether the model fills in masked words instead of continuing a text."""
        return self.run.recipe.model_class == "bert"


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda process: process.close())
def _process(run_id: str) -> ModelProcess:
    """Return the process of a run's models; at most two are kept, the latest."""
    return ModelProcess()


def process_of(run: Run) -> ModelProcess:
    """Return a running process for the models of a run."""
    if not _process(run.id).is_alive:
        _process.clear(run.id)
    return _process(run.id)


def which_label(run: Run, which: str) -> str:
    """Return the label of a model: final, or its step and tokens."""
    say = text()
    if which == FINAL:
        return say("model.final")
    step, tokens = trained_until(run, which)
    if step is None or tokens is None:
        return which
    return say("model.checkpoint", step=step, tokens=quantities.count(tokens, say.language))


def choose_export(runs: list[Run]) -> Export:
    """Draw the choice of a run and of one of its models, and return the model."""
    say = text()
    by_id = {run.id: run for run in runs}
    last_shown = st.session_state.get("shown_run")
    left, right = st.columns([3, 2])
    chosen = left.selectbox(
        say("model.run"),
        list(by_id),
        index=list(by_id).index(last_shown) if last_shown in by_id else 0,
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
        # A select box returns its option by label, so other labels need a box with another key.
        key=f"model_which#{run.id}.{hash(tuple(labels.values()))}",
    )
    return Export(run, which)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Show an error of the block in one line."""
    try:
        yield
    except (InputError, RuntimeError, OSError) as error:
        language = text().language
        line = error.in_language(language) if isinstance(error, InputError) else str(error)
        st.error(line, icon=":material/error:")
