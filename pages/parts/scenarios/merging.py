"""A newer version by another browser: what each side changed, choices, and the merged save."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from engine.documents import InputError
from finance.scenarios.edits import conflicts_of, figures
from finance.scenarios.merge import Conflict, Side
from pages.parts.scenarios.wording import described_all, draw_changes, place_of, shown_values
from pages.parts.session import ScenarioSession, store, text
from pages.parts.user_text import escaped_markdown


def draw_merge(session: ScenarioSession) -> None:
    """Draw both sides' changes, a choice for each place that both changed, and the actions."""
    say = text()
    try:
        theirs = store().get(session.stored.id)
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    base = session.stored.scenario
    documents = [
        figures(scenario.model_dump(mode="json"))
        for scenario in (base, session.draft, theirs.scenario)
    ]
    conflicts = conflicts_of(base, session.draft, theirs.scenario)
    with st.container(border=True, key="merge"):
        st.markdown(f"**:material/call_merge: {say('merge.title', version=theirs.version)}**")
        for column, (name, document) in zip(
            st.columns(2), (("mine", documents[1]), ("theirs", documents[2])), strict=True
        ):
            with column:
                st.caption(say(f"merge.{name}"))
                draw_changes(described_all(documents[0], document), most=None)
        choices: dict[str, Side] = {}
        if conflicts:
            st.markdown(say("merge.conflicts", n=len(conflicts)))
        for conflict in conflicts:
            choices[conflict.path] = _choice(conflict, documents[0], session.revision)
        with st.container(horizontal=True):
            if st.button(
                say("merge.save"), key="save_merged", type="primary", icon=":material/save:"
            ):
                session.save_merged(choices, say("merge.note", version=theirs.version))
                st.rerun()
            st.button(
                say("merge.copy"),
                key="merge_copy",
                icon=":material/content_copy:",
                on_click=session.save_copy,
            )
            st.button(
                say("merge.take_theirs"),
                key="open_theirs",
                type="tertiary",
                help=say("merge.take_theirs_help"),
                on_click=session.take_newest,
            )


def _choice(conflict: Conflict, base: object, revision: int) -> Side:
    say = text()
    before, mine, theirs = shown_values(
        conflict.path, conflict.base, conflict.mine, conflict.theirs
    )
    labels = {
        "mine": say("merge.choose_mine", value=mine),
        "theirs": say("merge.choose_theirs", value=theirs),
    }
    chosen = st.segmented_control(
        say("merge.place", place=place_of(base, conflict.path), before=before),
        options=list(get_args(Side)),
        format_func=lambda side: escaped_markdown(labels[side]),
        default="mine",
        required=True,
        key=f"merge.{conflict.path}#{revision}",
    )
    return "theirs" if chosen == "theirs" else "mine"
