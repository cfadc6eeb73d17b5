"""The installation: its back ends and their readiness, limits, and slots."""

from __future__ import annotations

import streamlit as st

from engine.runs.back_ends import back_end
from engine.runs.job import BACK_ENDS, BackEndName
from engine.runs.settings import Settings, change_settings, settings_file
from engine.text import catalog
from pages.parts.run_views.wording import run_action, show_refusal
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_KEPT_S = 30.0
"""Time in seconds for which a cluster's answer is kept, since a request takes seconds."""
_WIDTHS = (2, 1.4, 7)
"""Relative widths of a back end's name, its state, and the line about it."""
_LIMIT, _SLOTS = "runs.monthly_limit", "runs.slots"


def installation_section(allowed: Settings) -> None:
    """Draw the back ends and the form of limits and slots."""
    say = text()
    st.header(say("runs.installation"))
    st.fragment(_back_ends, parallel=True)(allowed)
    with st.expander(say("runs.limits"), icon=":material/tune:"):
        _limits(allowed)
    show_refusal("installation")
    st.caption(say("runs.settings_note", path=settings_file()))


def _back_ends(allowed: Settings) -> None:
    """Draw a line for each back end, in parallel with the page, as a cluster may answer slowly."""
    say = text()
    for name in BACK_ENDS:
        title, state, line = st.columns(_WIDTHS, vertical_alignment="center")
        title.markdown(f"**{say(f'runs.back_end.{name}')}**")
        if name not in allowed.configured:
            state.badge(say("runs.not_set_up"), icon=":material/remove:", color="gray")
            line.caption(say(f"runs.set_up.{name}"))
            continue
        lacking = _lacking(name, allowed.content_hash, say.language, allowed)
        if lacking:
            state.badge(say("runs.not_ready"), icon=":material/error:", color="red")
            line.caption(escaped_markdown(lacking[0]))
        else:
            state.badge(say("runs.ready"), icon=":material/check_circle:", color="green")
            line.caption(_capacity(name, allowed))


@st.cache_data(ttl=_KEPT_S, max_entries=100, show_spinner=False)
def _lacking(name: BackEndName, settings_hash: str, language: str, _allowed: Settings) -> list[str]:
    return [
        catalog(language)(f"error.{lack.rule}", **lack.params)
        for lack in back_end(name).unmet_requirements(_allowed)
    ]


def _capacity(name: BackEndName, allowed: Settings) -> str:
    say, known = text(), back_end(name)
    machine, slots = known.machine(allowed), known.slots(allowed)
    if slots is None:
        return say("runs.room_of_cluster", n=machine.n_devices, device=machine.device.name)
    return say("runs.room", n=slots, device=machine.device.name)


def _limits(allowed: Settings) -> None:
    say = text()
    limit = allowed.monthly_spending_limit_usd
    with st.form("installation", border=False):
        row = st.container(horizontal=True, vertical_alignment="bottom")
        row.number_input(
            say("runs.monthly_limit"),
            min_value=0.0,
            value=None if limit is None else float(limit),
            format="%.12g",
            placeholder=say("runs.no_limit"),
            help=say("runs.monthly_limit_help"),
            key=_LIMIT,
            width=240,
        )
        row.number_input(
            say("runs.slots"),
            min_value=1,
            max_value=1_024,
            value=allowed.slots,
            placeholder=say("runs.all_devices", n=back_end("local").machine(allowed).n_devices),
            help=say("runs.slots_help"),
            key=_SLOTS,
            width=240,
        )
        row.form_submit_button(
            say("runs.save_limits"), on_click=run_action, args=("installation", _save)
        )


def _save() -> None:
    change_settings(
        {
            "monthly_spending_limit_usd": st.session_state[_LIMIT],
            "slots": st.session_state[_SLOTS],
        }
    )
