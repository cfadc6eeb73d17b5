"""My scenarios as cards, and the ways to begin a new one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import get_args

import streamlit as st
from babel.dates import format_date

from engine import quantities
from engine.documents import InputError
from engine.text import catalog
from finance.metrics.cash_report import runway_text
from finance.metrics.projection import Projection, project_scenario
from finance.start.answers import Product
from finance.start.build import empty_scenario
from pages.parts.calibrate.practice import PRACTICE_SCENARIO
from pages.parts.scenarios.actions import delete, duplicate, open_scenario, rename
from pages.parts.scenarios.listing import Card, cards
from pages.parts.session import currency, scenario_session, store, text
from pages.parts.start.opening import open_new
from pages.parts.start.state import next_month, start_state
from pages.parts.user_text import escaped_markdown

SHOWN = 12
"""Scenarios whose cards are drawn at first; a button draws the rest."""
_ICONS: dict[Product, str] = {
    "vertical": ":material/gavel:",
    "api": ":material/api:",
    "open_weights": ":material/lock_open:",
    "on_premise": ":material/dns:",
}
_ALL = "start_all"


def draw_home() -> None:
    """Draw the ways to begin, and the cards of all scenarios."""
    say = text()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            say("start.new"),
            key="start.new",
            type="primary",
            icon=":material/add:",
            on_click=start_state().begin,
            args=("vertical",),
        )
        if start_state().answers:
            st.button(
                say("start.resume", name=start_state().answers["name"]),
                key="start.resume",
                icon=":material/play_arrow:",
                on_click=start_state().show,
                args=("new",),
            )
        st.button(
            say("start.import"),
            key="start.import",
            icon=":material/upload_file:",
            on_click=start_state().show,
            args=("import",),
            disabled=scenario_session().is_read_only,
            help=say("start.import_help"),
        )
        if st.button(
            say("start.empty"),
            key="start.empty",
            icon=":material/draft:",
            help=say("start.empty_help"),
        ):
            open_new(empty_scenario(say("start.empty_name"), next_month()))
            st.switch_page("pages/summary.py")
    listed = [card for card in cards() if card.id != PRACTICE_SCENARIO]
    if any(card.group == "mine" for card in listed):
        _cards(listed)
        _templates()
    else:
        _templates()
        _cards(listed)


def _templates() -> None:
    say = text()
    st.header(say("start.templates"), anchor=False)
    st.caption(say("start.templates_note"))
    products = get_args(Product)
    for column, product in zip(st.columns(len(products)), products, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"{_ICONS[product]} **{say(f'start.product.{product}')}**")
            st.caption(say(f"start.product_note.{product}"))
            st.button(
                say("start.use_template"),
                key=f"start.template.{product}",
                on_click=start_state().begin,
                args=(product,),
            )


def _cards(listed: Sequence[Card]) -> None:
    say = text()
    st.header(say("start.mine_heading", n=len(listed)), anchor=False)
    shown = listed if st.session_state.get(_ALL) else listed[:SHOWN]
    with st.container(horizontal=True, key="start_cards"):
        for card in shown:
            with st.container(border=True, height="stretch", width=330):
                _card(card)
    if len(shown) < len(listed):
        st.button(say("start.show_all", n=len(listed)), on_click=_show_all, key="start.show_all")


def _show_all() -> None:
    st.session_state[_ALL] = True


def _card(card: Card) -> None:
    say = text()
    session = scenario_session()
    badges = [f":gray-badge[{escaped_markdown(tag)}]" for tag in card.tags]
    if card.group != "mine":
        badges.insert(0, f":blue-badge[{say(f'scenarios.group.{card.group}')}]")
    if card.draft_at is not None:
        badges.insert(0, f":orange-badge[{say('start.draft')}]")
    if card.id == session.stored.id:
        badges.insert(0, f":green-badge[{say('start.open_now')}]")
    st.markdown(f"**{escaped_markdown(card.name)}** {' '.join(badges)}")
    st.html(_figures(card.id, card.version, say.language, currency()))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(say("start.open"), key=f"start.open.{card.id}", icon=":material/folder_open:"):
            open_scenario(card.id)
            st.switch_page("pages/summary.py")
        _menu(card)
        st.caption(_saved_on(card.saved_at))


def _menu(card: Card) -> None:
    """Draw the actions on a scenario other than opening it."""
    say = text()
    actions = ["duplicate"]
    if card.group == "mine":
        actions = ["rename", "duplicate"]
    if card.is_deletable:
        actions.append("delete")
    chosen = st.menu_button(
        say("start.more"),
        actions,
        format_func=lambda action: say(f"start.action.{action}"),
        key=f"start.menu.{card.id}",
        type="tertiary",
    )
    if chosen == "duplicate":
        duplicate(card.id)
        st.rerun()
    elif chosen == "delete":
        delete(card.id)
        st.rerun()
    elif chosen == "rename":
        _rename_dialog(card)


def _rename_dialog(card: Card) -> None:
    say = text()

    @st.dialog(say("start.rename_title"))
    def ask() -> None:
        name = st.text_input(say("start.rename_label"), value=card.name, max_chars=120)
        if st.button(say("start.rename"), type="primary", key="start.rename") and name.strip():
            rename(card.id, name.strip())
            st.rerun()

    ask()


@st.cache_data(max_entries=200, show_spinner=False)
def _figures(scenario_id: str, version: int, language: str, in_currency: str) -> str:
    """Return runway, ARR, raise and run of a stored version, as a list in HTML.

    Amounts are in the session's currency, which is part of the cached call's arguments.
    """
    say = catalog(language)
    try:
        stored = store().get(scenario_id, version).scenario
        projection = project_scenario(stored)
    except InputError:
        return f"<p>{escape(say('start.card.unreadable'))}</p>"
    planned, predicted = stored.company.next_round, projection.forecast
    run = escape(quantities.usd(predicted.cost_usd.value, language))
    if not predicted.fits:
        run += f' <span class="no">{escape(say("start.card.no_fit"))}</span>'
    runway = runway_text(say, projection.runway_months, projection.horizon_months)
    rows = (
        ("runway", escape(runway)),
        ("arr", escape(quantities.usd(_arr_after_two_years(projection), language))),
        ("raise", "–" if planned is None else escape(quantities.usd(planned.amount_usd, language))),
        ("run", run),
    )
    cells = "".join(
        f"<dt>{escape(say(f'start.card.{name}'))}</dt><dd>{value}</dd>" for name, value in rows
    )
    return f'<dl class="start-figures">{cells}</dl>'


def _arr_after_two_years(projection: Projection) -> Decimal:
    months = projection.months
    return months[min(24, len(months)) - 1].arr_usd


def _saved_on(saved_at: datetime.datetime) -> str:
    return text()(
        "start.saved_on", day=format_date(saved_at.date(), "medium", locale=text().language)
    )
