"""Contents of a run's folder: its logs, its checkpoints, and its recipe."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from engine.machine import this_machine
from engine.recipes.checkpoints import TRAINING, UnusableError, check_files, read_manifest, step_of
from engine.recipes.recipe import Recipe
from engine.runs.folder import Run
from engine.runs.launching.supervisor import preview_commands
from engine.runs.observing.disk_use import used_bytes
from engine.runs.observing.logs import LogReader
from engine.runs.observing.summary import Summary
from pages.parts.session import text

_REFRESH_S = 2.0
_LINES = 200
_LINES_WITHOUT_SCROLLING, _LOG_PX = 12, 380
_CHECKED_AT_ONCE_BYTES = 300_000_000
"""Greatest size, in bytes, of checkpoints that are hashed at once; it takes about a second."""
_KEPT_S = 30.0


def log_view(summary: Summary, run: Run) -> None:
    """Draw the end of a log, which is read again while the run goes on."""
    say = text()
    names = ["log", *sorted(path.name for path in run.folder.glob("node-*.log"))]
    name = names[0]
    if len(names) > 1:
        name = st.selectbox(say("runs.log_of"), names, key=f"log.{summary.run_id}", width=240)
    reader = LogReader(run.folder / name, _LINES)
    lines: deque[str] = deque(maxlen=_LINES)

    def draw_once() -> None:
        lines.extend(reader.new().splitlines())
        scrolls = len(lines) > _LINES_WITHOUT_SCROLLING
        height: int | Literal["content"] = _LOG_PX if scrolls else "content"
        with st.container(height=height, autoscroll=True, border=False):
            st.code("\n".join(lines) or "…", language=None, wrap_lines=True)

    st.fragment(draw_once, run_every=None if summary.is_over else _REFRESH_S)()
    st.caption(say("runs.log_note", n=_LINES, path=run.folder / name))


def checkpoints_view(summary: Summary, run: Run) -> None:
    """Draw the checkpoints with their sizes, and whether training can resume from them."""
    say, recipe = text(), run.recipe
    folders = run.checkpoints()
    if not folders:
        st.caption(say("runs.no_checkpoints"))
        return
    sizes = [used_bytes(folder) for folder in folders]
    state_bytes = [used_bytes(folder / TRAINING) for folder in folders]
    checked = sum(sizes) <= _CHECKED_AT_ONCE_BYTES or st.button(
        say("runs.check"), key="check", icon=":material/fact_check:", help=say("runs.check_help")
    )
    cells = [
        {
            "step": step_of(folder),
            "bytes": size,
            "training_bytes": of_training or None,
            "state": _resumability(folder, recipe, checked=checked),
        }
        for folder, size, of_training in zip(folders, sizes, state_bytes, strict=True)
    ]
    column = st.column_config
    st.dataframe(
        pd.DataFrame(cells[::-1]),
        hide_index=True,
        placeholder="–",
        column_config={
            "step": column.NumberColumn(say("runs.checkpoint.step")),
            "bytes": column.NumberColumn(say("runs.checkpoint.bytes"), format="bytes"),
            "training_bytes": column.NumberColumn(
                say("runs.checkpoint.training_bytes"), format="bytes"
            ),
            "state": column.TextColumn(say("runs.checkpoint.state")),
        },
    )
    st.caption(say("runs.checkpoints_note", kept=recipe.keep_checkpoints))


def _resumability(folder: Path, recipe: Recipe, *, checked: bool) -> str:
    """Return whether training can resume from a checkpoint.

    The hashes of its files are compared if ``checked``.
    """
    say = text()
    if not (folder / TRAINING).is_dir():
        return say("runs.model_only")
    if not checked:
        return say("runs.not_checked")
    return say("runs.valid" if _is_whole(str(folder), recipe) else "runs.damaged")


@st.cache_data(ttl=_KEPT_S, max_entries=1_000, show_spinner=False)
def _is_whole(folder: str, _recipe: Recipe) -> bool:
    """Return whether a checkpoint is complete, cached because every click draws the page again."""
    try:
        check_files(Path(folder), read_manifest(Path(folder), _recipe).files)
    except UnusableError:
        return False
    return True


def recipe_view(summary: Summary, run: Run) -> None:
    """Draw the recipe and the commands that run it."""
    say, recipe = text(), run.recipe
    st.caption(say("runs.again_by_hand"))
    st.code(f"python -m engine train {run.folder / 'recipe.toml'}", language="bash")
    if summary.back_end == "local":
        st.caption(say("calibrate.launcher_note"))
        commands = preview_commands(recipe, this_machine())
        st.code("\n".join(commands), language="bash", wrap_lines=True)
    else:
        st.caption(say("runs.commands_in_log"))
    st.caption(say("calibrate.toml_note"))
    st.code(recipe.to_toml(), language="toml", height=320)
