"""Deleted runs: restore one, or delete all of them permanently."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.runs import lifecycle
from engine.runs.lifecycle import TRASH_DAYS, DeletedRun
from pages.parts.run_views.wording import local_time, run_action
from pages.parts.runs.choice import choose, deleted, forget_deleted, undo
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown


def undo_bar() -> None:
    """Draw a line about the runs deleted last, with the button that restores them."""
    say, gone = text(), deleted()
    if not gone:
        return
    row = st.container(horizontal=True, vertical_alignment="center", border=True)
    names = " · ".join(escaped_markdown(name) for name in gone.values())
    row.markdown(f":material/delete: {say('runs.deleted', names=names)}", width="stretch")
    row.button(
        say("runs.undo"), key="undo_delete", icon=":material/undo:", type="primary", on_click=undo
    )
    row.button(
        "",
        key="close_undo",
        icon=":material/close:",
        type="tertiary",
        help=say("runs.close"),
        on_click=forget_deleted,
    )


def trash_section() -> None:
    """Draw the trash; it is read only when the section is open, since sizes on disk take time."""
    if not any(lifecycle.trash_dir().glob("[!.]*")):
        return
    say = text()
    section = st.expander(
        say("runs.trash"), icon=":material/delete:", key="runs.trash", on_change="rerun"
    )
    if section.open:
        with section:
            _trash(lifecycle.deleted_runs())


def _trash(found: list[DeletedRun]) -> None:
    say, language = text(), text().language
    total = quantities.si(sum(run.disk_bytes for run in found), "B", language)
    st.caption(say("runs.trash_note", days=TRASH_DAYS))
    for run in found:
        row = st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        )
        description = say(
            "runs.trashed",
            run=run.run_id,
            when=f"{local_time(run.deleted_at):%m-%d %H:%M}",
            size=quantities.si(run.disk_bytes, "B", language),
        )
        row.markdown(description, width="content")
        row.button(
            say("runs.restore"),
            key=f"restore.{run.run_id}",
            icon=":material/undo:",
            on_click=_restore,
            args=(run.run_id,),
        )
    with st.popover(say("runs.empty_trash"), icon=":material/delete_forever:"):
        st.markdown(say("runs.empty_trash_note", n=len(found), size=total))
        st.button(
            say("runs.empty_trash_now"),
            key="purge",
            icon=":material/delete_forever:",
            type="primary",
            on_click=_purge,
        )


def _restore(run_id: str) -> None:
    run_action("history", lifecycle.restore, run_id)
    forget_deleted()
    choose([run_id])


def _purge() -> None:
    run_action("history", lifecycle.purge)
    forget_deleted()
