"""Fields in which dated training runs differ from the plan."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import quantities
from engine.document_paths import value_at
from finance.costs.training import TrainingEvent
from pages.parts.field_words import place_in_words
from pages.parts.session import draft, scenario_session, text
from pages.parts.user_text import escaped_markdown

_EVENTS = "company.training_events"


def draw_run_changes() -> None:
    """Draw each run that differs from the plan, with both values and a way back to the plan."""
    say = text()
    for number, event in enumerate(draft().company.training_events):
        if not event.changes:
            continue
        with st.container(border=True):
            name = escaped_markdown(event.name)
            st.markdown(say("run_changes.heading", name=name, n=len(event.changes)))
            st.dataframe(_table(event), hide_index=True, height="content")
            with st.container(horizontal=True):
                _mend(number, "follow", {}, "run_changes.follow")
                shape = {
                    path: value
                    for path, value in event.changes.items()
                    if not path.startswith("shape.")
                }
                if 0 < len(shape) < len(event.changes):
                    _mend(number, "follow_shape", shape, "run_changes.follow_shape")


def _mend(number: int, name: str, changes: dict[str, Any], key: str) -> None:
    st.button(
        text()(key),
        key=f"{name}.{number}",
        type="tertiary",
        icon=":material/undo:",
        on_click=_apply,
        args=({f"{_EVENTS}.{number}.changes": changes},),
    )


def _apply(changes: dict[str, Any]) -> None:
    scenario_session().change(changes)


def _table(event: TrainingEvent) -> pd.DataFrame:
    say, plan = text(), draft().plan
    return pd.DataFrame(
        [
            {
                say("run_changes.field"): place_in_words(say, f"plan.{path}", {}, with_page=False),
                say("run_changes.plan"): _shown(path, _plan_value(plan, path)),
                say("run_changes.run"): _shown(path, value),
            }
            for path, value in event.changes.items()
        ]
    )


def _plan_value(plan: Any, path: str) -> Any:
    try:
        return value_at(plan, path)
    except (AttributeError, LookupError, TypeError):
        return None  # a part of the shape that the plan's own model does not have


def _shown(path: str, value: Any) -> str:
    language = text().language
    if value is None:
        return "–"
    if isinstance(value, bool):
        return text()(f"run_changes.{'yes' if value else 'no'}")
    if path == "tokens":
        return quantities.count(int(value), language)
    return str(value)
