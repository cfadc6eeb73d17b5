"""Undo and redo: a button for the last step, and a list from which any step is reached."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from finance.scenarios.steps import Steps
from pages.parts.scenarios.wording import described_step
from pages.parts.session import ScenarioSession, scenario_session, text
from pages.parts.user_text import escaped_markdown

_LIST_HEIGHT_PX = 320
_MOST_WITHOUT_SCROLLING = 8


def draw_undo(session: ScenarioSession) -> None:
    """Draw the buttons for undo and redo, and the list of steps."""
    say, steps = text(), session.kept.steps
    st.button(
        say("undo.undo"),
        key="undo",
        icon=":material/undo:",
        type="tertiary",
        help=say("undo.undo"),
        on_click=session.undo,
        disabled=not steps.earlier,
    )
    st.button(
        say("undo.redo"),
        key="redo",
        icon=":material/redo:",
        type="tertiary",
        help=say("undo.redo"),
        on_click=session.redo,
        disabled=not steps.later,
    )
    with st.container(width="content"):
        _steps_menu()


@st.fragment
def _steps_menu() -> None:
    session, say = scenario_session(), text()
    steps = session.kept.steps
    menu = st.popover(
        say("undo.steps"),
        icon=":material/list:",
        type="tertiary",
        key="undo_steps",
        on_change="rerun",
        disabled=len(steps.documents) < 2,
    )
    if menu.open:
        with menu:
            _list(session, steps)


def _list(session: ScenarioSession, steps: Steps) -> None:
    say = text()
    lines = step_lines(steps)
    height: int | Literal["content"] = "content"
    if len(lines) > _MOST_WITHOUT_SCROLLING:
        height = _LIST_HEIGHT_PX
    with st.container(height=height, border=False, gap=None):
        for number, key, line in lines:
            if number == steps.position:
                st.caption(f":material/arrow_right: {say('undo.here')}")
            elif st.button(
                escaped_markdown(say(f"undo.{key}", change=line)),
                key=f"step.{number}",
                type="tertiary",
                wrap=True,
            ):
                session.go_to_step(number)
                st.rerun()


def step_lines(steps: Steps) -> list[tuple[int, str, str]]:
    """Return the steps as a list shows them, the last change first.

    Each has the number of the draft that a click returns to, "undo_change" or "redo_change", and
    the change in words. The current draft is between them.
    """
    numbers = sorted(steps.documents)
    lines = []
    for before, after in zip(reversed(numbers[:-1]), reversed(numbers[1:]), strict=True):
        line = described_step(steps.documents[before], steps.documents[after])
        if before >= steps.position:
            lines.append((after, "redo_change", line))
        else:
            lines.append((before, "undo_change", line))
    undone = sum(number > steps.position for number in numbers)
    return [*lines[:undone], (steps.position, "here", ""), *lines[undone:]]
