"""Page Funding: what to raise, who owns the company after each event, and what a sale pays."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.reports.forecast_tables import change_text
from finance.company.scenario import Scenario
from finance.funding.ownership import names_in
from finance.funding.raise_wording import raise_answer
from finance.funding.rounds import Funding, funding
from finance.funding.wording import money_text
from finance.metrics.projection import Projection
from pages.parts.charts import draw
from pages.parts.frame import run_in_frame
from pages.parts.funding.charts import dilution_chart
from pages.parts.funding.events import draw_events, draw_first_steps, draw_roles
from pages.parts.funding.exchange import draw_exchange
from pages.parts.funding.exit import draw_exit
from pages.parts.funding.form import draw_open_event
from pages.parts.funding.needed import Needed, needed
from pages.parts.funding.opening_cash import draw_opening_cash
from pages.parts.funding.solve import draw_solver
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.tiles import Tile, show_answer, tiles
from pages.parts.user_text import escaped_markdown


def _funding_of(scenario: Scenario) -> Funding:
    return funding(scenario.company, names_in(text()))


def _tiles(plan: Funding, saved: Funding) -> None:
    say, language = text(), text().language
    owned = Tile(
        label=say("funding.tile.owned"),
        value=quantities.share(float(plan.founders_share(plan.today)), language),
        note=say("funding.tile.owned_note"),
        help=say("funding.tile.owned_help"),
    )
    tiles([owned, *_next_tiles(plan, saved), _raised_tile(plan)])


def _raised_tile(plan: Funding) -> Tile:
    say = text()
    done, planned = (
        money_text(plan.raised(planned=planned), plan.currency, say.language)
        for planned in (False, True)
    )
    return Tile(
        label=say("funding.tile.planned"),
        value=planned,
        note=say("funding.tile.raised_note", done=done),
        help=say("funding.tile.raised_help"),
    )


def _next_tiles(plan: Funding, saved: Funding) -> list[Tile]:
    say, language = text(), text().language
    next_round, before = plan.next_round, saved.next_round
    if next_round is None:
        return []
    title = escaped_markdown(next_round.deal.series)
    share = plan.founders_share(next_round.step.after)
    share_before = None if before is None else saved.founders_share(before.step.after)
    parts = {
        name: quantities.share(float(getattr(next_round.dilution, name)), language)
        for name in ("new_money", "converted", "pool")
    }
    return [
        Tile(
            label=say("funding.tile.next", title=title),
            value=quantities.share(float(share), language),
            delta=None
            if share_before is None
            else change_text(say, float(share_before), float(share), is_share=True),
            better="up",
            note=say("funding.tile.next_note"),
            help=say("funding.tile.owned_help"),
        ),
        Tile(
            label=say("funding.tile.dilution", title=title),
            value=quantities.share(float(next_round.dilution.total), language),
            note=say("funding.tile.dilution_note", **parts),
            help=say("funding.tile.dilution_help"),
        ),
    ]


def _owners(plan: Funding) -> None:
    if plan.last.fully_diluted:
        _tiles(plan, _funding_of(scenario_session().stored.scenario))
        draw(dilution_chart(plan), "dilution", height=360)
    else:
        draw_first_steps()
    draw_events(plan)
    draw_roles(plan)


def _answer(now: Projection, found: Needed) -> str:
    return raise_answer(text(), now.scenario.company, found.bare, found.buffered)


def page() -> None:
    """Draw the page."""
    say = text()
    now, _ = projections()
    plan, found = _funding_of(draft()), needed(now)
    st.title(say("funding.question"))
    show_answer(_answer(now, found))
    draw_opening_cash(plan)
    if not plan.is_own:
        st.caption(say("funding.synthesised_page"))
    drawn = {
        "raise": lambda: draw_solver(plan, now, found),
        "owners": lambda: _owners(plan),
        "sale": lambda: draw_exit(plan, now),
        "exchange": lambda: draw_exchange(plan),
    }
    lazy_tabs("funding", drawn, "funding.tab.")
    draw_open_event(plan)


run_in_frame(page)
