"""Share links: make one for the open page, and revoke those that exist."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from engine.documents import InputError
from finance.scenarios.shares import DAYS, DEFAULT_DAYS, Share
from pages.parts.page_list import FIRST_PAGE, OPEN_PAGE
from pages.parts.scenarios.banners import local_time
from pages.parts.session import (
    FIRST_SCENARIO,
    ScenarioSession,
    currency,
    scenario_session,
    store,
    text,
)

_NEVER = 0
_NEW_LINK = "new_share_link"
_OF_THE_SESSION = ("s", "share", "lang", "currency")
"""Parameters of the address that a link does not take over as they are."""


def end_revoked_share(session: ScenarioSession) -> None:
    """Close a shared view whose link has expired or was revoked since it was opened."""
    if session.share is None:
        return
    try:
        store().shares.find(session.share_token)
    except InputError as error:
        session.open_stored(FIRST_SCENARIO)
        session.refuse(error)


def draw_share() -> None:
    """Draw the menu with the form for a new link and the list of links."""
    with st.container(width="content"):
        _share_menu()


@st.fragment
def _share_menu() -> None:
    session, say = scenario_session(), text()
    menu = st.popover(
        say("share.share"),
        icon=":material/share:",
        type="tertiary",
        key="share_menu",
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        if session.is_sample:
            st.caption(say("share.save_first"))
            return
        _new_link(session)
        _links(session)


def _new_link(session: ScenarioSession) -> None:
    say = text()
    st.caption(say("share.explained"))
    if session.is_changed:
        st.caption(f":orange[:material/edit: {say('share.without_draft')}]")
    which = st.radio(
        say("share.which"),
        ["newest", "version"],
        format_func=lambda option: say(f"share.{option}", version=session.stored.version),
        key="share_which",
    )
    days = st.selectbox(
        say("share.days"),
        [*DAYS, _NEVER],
        index=DAYS.index(DEFAULT_DAYS),
        format_func=lambda n: say("share.for_days", n=n) if n else say("share.for_ever"),
        key="share_days",
    )
    if st.button(say("share.create"), key="create_share", type="primary", icon=":material/link:"):
        version = session.stored.version if which == "version" else None
        share, token = store().shares.create(
            session.stored.id, page=open_page(), version=version, days=days or None
        )
        st.session_state[_NEW_LINK] = (share.id, share_link(token))
    made = st.session_state.get(_NEW_LINK)
    if made is not None and made[0] in {share.id for share in store().shares.of(session.stored.id)}:
        st.code(made[1], language=None, wrap_lines=True)
        st.caption(say("share.once"))


def _links(session: ScenarioSession) -> None:
    say = text()
    links = store().shares.of(session.stored.id)
    st.markdown(f"**{say('share.links', n=len(links))}**")
    for share in links:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_described(share), width="stretch")
            st.button(
                say("share.revoke"),
                key=f"revoke.{share.id}",
                type="tertiary",
                icon=":material/link_off:",
                on_click=store().shares.revoke,
                args=(session.stored.id, share.id),
            )


def _described(share: Share) -> str:
    say = text()
    key = f"page.{share.page}"
    page = say(key) if key in say else share.page
    shows = (
        say("share.newest_short")
        if share.version is None
        else say("history.version", version=share.version)
    )
    made = local_time(share.created_at, say.language)
    until = (
        say("share.for_ever")
        if share.expires_at is None
        else say("share.until", until=local_time(share.expires_at, say.language))
    )
    return f"{page} · {shows}  \n:small[{say('share.made', when=made)} · {until}]"


def share_link(token: str) -> str:
    """Return the address that shows the open page in its present view to the holder of a token."""
    return shared_address(st.context.url or "", st.query_params.to_dict(), token)


def shared_address(address: str, parameters: Mapping[str, str], token: str) -> str:
    """Return the address of a share link, without the id of the scenario.

    Parameters
    ----------
    address
        Address of the open page.
    parameters
        Its parameters, such as the chosen tab.
    """
    here = urlsplit(address)
    view = {name: value for name, value in parameters.items() if name not in _OF_THE_SESSION}
    query = urlencode({"share": token, "lang": text().language, "currency": currency()} | view)
    return urlunsplit((here.scheme, here.netloc, here.path or "/", query, ""))


def open_page() -> str:
    """Return the name of the page that is open."""
    return str(st.session_state.get(OPEN_PAGE, FIRST_PAGE))
