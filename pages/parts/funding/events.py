"""The events of the cap table as a list, and the roles of the holders."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from engine import quantities
from finance.capital.history import Step
from finance.capital.roles import HolderRole
from finance.funding.ownership import share_of
from finance.funding.rounds import Funding, with_roles
from finance.funding.wording import event_text
from pages.parts.funding.fields import KINDS
from pages.parts.funding.typed_events import event_key, show_event, typed_for
from pages.parts.session import scenario_session, text
from pages.parts.user_text import escaped_markdown

FIRST_STEPS = ("stock_issue", "safe", "priced_round")
"""Kinds of events with which a cap table usually begins, in their order."""


def draw_events(plan: Funding) -> None:
    """Draw the list of events, each with a button that opens its drawer."""
    say, is_read_only = text(), scenario_session().is_read_only
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(say("funding.events.heading"), width="content")
        st.space("stretch")
        with st.popover(say("funding.events.add"), icon=":material/add:", key="add_event"):
            for kind in KINDS:
                st.button(
                    say(f"funding.kind.{kind}"),
                    key=f"add_event.{kind}",
                    type="tertiary",
                    disabled=is_read_only,
                    on_click=show_event,
                    args=(kind, None),
                )
    if not plan.steps:
        st.caption(say("funding.events.none"))
    for index, step in enumerate(plan.steps):
        _row(plan, index, step)


def draw_first_steps() -> None:
    """Draw what to do with an empty cap table."""
    say = text()
    with st.container(border=True):
        st.markdown(say("funding.events.first_steps"))
        with st.container(horizontal=True):
            for number, kind in enumerate(FIRST_STEPS, 1):
                st.button(
                    say(f"funding.events.first_{kind}", n=number),
                    key=f"first_step.{kind}",
                    disabled=scenario_session().is_read_only,
                    icon=":material/add:",
                    type="primary" if number == 1 else "secondary",
                    on_click=show_event,
                    args=(kind, None),
                )


def _row(plan: Funding, index: int, step: Step) -> None:
    """Draw one event: its day and state, its terms, and what the founders own after it."""
    say = text()
    state = _state(plan, step)
    owned = quantities.share(float(share_of(step.after, plan.founders)), say.language)
    facts = (
        f"{step.event.date:%Y-%m-%d}",
        f":{_COLORS[state]}[{say(f'funding.state.{state}')}]",
        escaped_markdown(say("funding.events.founders_after", owned=owned)),
    )
    not_applied = bool(typed_for(event_key(step.event.kind, step.event)))
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"event_row_{index}"
    ):
        with st.container(gap=None):
            st.markdown(escaped_markdown(event_text(say, step.event, plan.currency)))
            st.markdown(f":small[{' · '.join(facts)}]")
        if not_applied:
            st.badge(say("funding.events.not_applied"), icon=":material/edit:", color="orange")
        st.button(
            say("funding.events.edit"),
            key=f"edit_event_{index}",
            icon=":material/edit:",
            type="tertiary",
            on_click=show_event,
            args=(step.event.kind, index),
        )


_COLORS: dict[str, Literal["green", "blue", "gray"]] = {
    "done": "green",
    "planned": "blue",
    "before_plan": "gray",
}


def _state(plan: Funding, step: Step) -> str:
    if step.event.date < plan.first_month:
        return "before_plan"
    return "planned" if step.event.planned else "done"


def draw_roles(plan: Funding) -> None:
    """Draw the role of each holder; those that are not marked are derived."""
    say = text()
    if not plan.roles:
        return
    with st.expander(say("funding.roles.heading"), icon=":material/badge:"):
        st.caption(say("funding.roles.help"))
        holders = list(plan.roles)
        for start in range(0, len(holders), 3):
            for column, holder in zip(st.columns(3), holders[start : start + 3], strict=False):
                with column:
                    _role(plan, holder)


def _role(plan: Funding, holder: str) -> None:
    say, options = text(), [role.value for role in HolderRole]
    key = f"role.{holder}#{scenario_session().revision}.{say.language}"
    is_marked = holder in plan.capital.opening.roles
    st.selectbox(
        escaped_markdown(holder),
        options,
        index=options.index(plan.roles[holder].value),
        format_func=lambda role: say(f"funding.role.{role}"),
        key=key,
        disabled=scenario_session().is_read_only,
        help=None if is_marked else say("funding.roles.derived"),
        on_change=_take_role,
        args=(plan, holder, key),
    )


def _take_role(plan: Funding, holder: str, key: str) -> None:
    role = HolderRole(st.session_state[key])
    scenario_session().change(with_roles(plan.capital, {holder: role}))
