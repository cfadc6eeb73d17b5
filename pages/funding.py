"""Page Funding: rounds, the owners after each of them, and exits."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.reports.forecast_tables import change_text
from finance.company.scenario import Scenario
from finance.funding.ownership import names_in
from finance.funding.rounds import Funding, funding
from finance.funding.wording import money_text
from pages.parts.charts import draw
from pages.parts.frame import run_in_frame
from pages.parts.funding.charts import dilution_chart, rounds_chart
from pages.parts.funding.events import draw_events
from pages.parts.funding.exchange import draw_exchange
from pages.parts.funding.exit import ChosenExit, choose_exit, draw_exit
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.tiles import Tile, show_answer, tiles
from pages.parts.user_text import escaped_markdown


def _funding_of(scenario: Scenario) -> Funding:
    return funding(scenario.company, names_in(text()))


def _answer(plan: Funding) -> str:
    say, language = text(), text().language
    next_round = plan.next_round
    owned = quantities.share(float(plan.founders_share(plan.today)), language)
    if next_round is None:
        return say("funding.answer_no_round", owned=owned)
    deal = next_round.deal
    values = {
        "amount": money_text(deal.new_money, deal.currency, language),
        "pre_money": money_text(deal.pre_money, deal.currency, language),
        "date": f"{deal.date:%Y-%m}",
        "sold": quantities.share(float(next_round.dilution.new_money), language),
        "owned": owned,
        "next": quantities.share(float(plan.founders_share(next_round.step.after)), language),
        "last": quantities.share(float(plan.founders_share(plan.last)), language),
    }
    return say(
        "funding.answer_last" if next_round is plan.rounds[-1] else "funding.answer", **values
    )


def _tiles(plan: Funding, saved: Funding, chosen: ChosenExit | None) -> None:
    say, language = text(), text().language
    owned = Tile(
        label=say("funding.tile.owned"),
        value=quantities.share(float(plan.founders_share(plan.today)), language),
        note=say("funding.tile.owned_note"),
        help=say("funding.tile.owned_help"),
    )
    tiles([_raised_tile(plan), owned, *_next_tiles(plan, saved), *_exit_tile(plan, chosen)])


def _exit_tile(plan: Funding, chosen: ChosenExit | None) -> list[Tile]:
    say, language = text(), text().language
    if chosen is None:
        return []
    value = money_text(chosen.value, plan.currency, language)
    return [
        Tile(
            label=say("funding.tile.exit"),
            value=money_text(chosen.founders_payout(plan), plan.currency, language),
            note=say("funding.tile.exit_note", value=value),
            help=say("funding.tile.exit_help"),
        )
    ]


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


def page() -> None:
    """Draw the page."""
    say = text()
    now, _ = projections()
    plan, saved = _funding_of(draft()), _funding_of(scenario_session().stored.scenario)
    st.title(say("funding.question"))
    show_answer(_answer(plan))
    if not plan.is_own:
        st.caption(say("funding.synthesised_page"))
    above = st.container()
    st.subheader(say("funding.dilution_heading"))
    draw(dilution_chart(plan), "dilution", height=400)
    st.subheader(say("funding.rounds_heading"))
    draw(rounds_chart(plan), "rounds", hover="closest", height=280)
    draw_events(plan)
    chosen = choose_exit(plan, now)
    with above:
        _tiles(plan, saved, chosen)
    if chosen is not None:
        draw_exit(plan, chosen)
    draw_exchange(plan)


run_in_frame(page)
