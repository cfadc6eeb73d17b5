"""Lines above the page: a view that does not edit, a draft that was restored, a newer version."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from babel.dates import format_date, format_time

from pages.parts.scenarios.merging import draw_merge
from pages.parts.session import ScenarioSession, text


def draw_banners(session: ScenarioSession) -> None:
    """Draw what a user must know about the open scenario before reading it."""
    if session.viewed_from is not None:
        _viewed_version(session)
    elif session.is_read_only:
        _read_only(session)
    elif session.conflict is not None:
        draw_merge(session)
    elif session.restored_at is not None and session.is_changed:
        _restored(session)


def local_time(when: datetime.datetime, language: str, now: datetime.datetime | None = None) -> str:
    """Return a stored time in the browser's time zone: 18:12, and the date unless it is today."""
    zone = _browser_zone()
    local = when.replace(tzinfo=datetime.UTC).astimezone(zone)
    today = (now or datetime.datetime.now(datetime.UTC)).astimezone(zone).date()
    clock = format_time(local, "HH:mm", locale=language)
    if local.date() == today:
        return clock
    style = "MMM d" if local.year == today.year else "medium"
    if language == "zh_Hans":
        style = "M月d日" if local.year == today.year else "y年M月d日"
    return f"{format_date(local, style, locale=language)} {clock}"


def _browser_zone() -> datetime.tzinfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def _read_only(session: ScenarioSession) -> None:
    say = text()
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="read_only_banner"
    ):
        if session.share is None:
            words = say("share.of_another_browser")
        elif session.share.expires_at is None:
            words = say("share.shown")
        else:
            until = local_time(session.share.expires_at, say.language)
            words = say("share.shown_until", until=until)
        st.markdown(f":material/visibility: {words}", width="content")
        st.button(
            say("share.make_copy"),
            key="make_own_copy",
            icon=":material/content_copy:",
            type="primary",
            on_click=session.save_copy,
        )
        if session.access == "claim" and session.share is None:
            st.button(
                say("share.edit_here"),
                key="claim",
                icon=":material/edit:",
                help=say("share.edit_here_help"),
                on_click=session.claim,
                disabled=session.browser is None,
            )


def _viewed_version(session: ScenarioSession) -> None:
    say = text()
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key="version_banner"
    ):
        when = local_time(session.stored.saved_at, say.language)
        words = say("history.viewed", version=session.stored.version, when=when)
        st.markdown(f":material/visibility: {words}", width="content")
        st.button(
            say("history.restore"),
            key="restore_viewed",
            icon=":material/restore:",
            type="primary",
            on_click=session.restore_version,
            args=(session.stored.version,),
        )
        st.button(
            say("history.leave"),
            key="leave_version",
            icon=":material/arrow_back:",
            on_click=session.leave_version,
        )


def _restored(session: ScenarioSession) -> None:
    say = text()
    assert session.restored_at is not None
    with st.container(horizontal=True, vertical_alignment="center", key="restored_banner"):
        when = local_time(session.restored_at, say.language)
        st.markdown(
            f":material/history: {say('draft.restored', when=when)}",
            width="content",
        )
        st.button(
            say("draft.discard"),
            key="discard_draft",
            type="tertiary",
            icon=":material/delete:",
            help=say("draft.discard_help"),
            on_click=session.discard_draft,
        )
