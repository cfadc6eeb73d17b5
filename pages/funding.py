"""What to raise, and what is left of the company? Rounds, owners after each, exits."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.company.scenario import Scenario
from finance.funding.rounds import Funding, funding
from finance.funding.wording import money_text
from pages.parts.charts import draw
from pages.parts.frame import run_in_frame
from pages.parts.funding.charts import dilution_chart, rounds_chart
from pages.parts.funding.events import draw_events
from pages.parts.funding.exchange import draw_exchange
from pages.parts.funding.exit import Chosen, choose_exit, draw_exit
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.tiles import Tile, tiles
from pages.parts.typed import literal


def _funding_of(scenario: Scenario) -> Funding:
    say = text()
    return funding(scenario.company, say("funding.founders"), say("funding.investors"))


def _answer(seen: Funding) -> str:
    say, language = text(), text().language
    coming = seen.next_round
    owned = quantities.share(float(seen.founders_share(seen.today)), language)
    if coming is None:
        return say("funding.answer_no_round", owned=owned)
    deal = coming.deal
    words = {
        "amount": money_text(deal.new_money, deal.currency, language),
        "pre_money": money_text(deal.pre_money, deal.currency, language),
        "date": f"{deal.date:%Y-%m}",
        "sold": quantities.share(float(coming.dilution.new_money), language),
        "owned": owned,
        "next": quantities.share(float(seen.founders_share(coming.step.after)), language),
        "last": quantities.share(float(seen.founders_share(seen.last)), language),
    }
    return say("funding.answer_last" if coming is seen.rounds[-1] else "funding.answer", **words)


def _tiles(seen: Funding, saved: Funding, chosen: Chosen | None) -> None:
    say, language = text(), text().language
    owned = Tile(
        label=say("funding.tile.owned"),
        value=quantities.share(float(seen.founders_share(seen.today)), language),
        note=say("funding.tile.owned_note"),
        help=say("funding.tile.owned_help"),
    )
    tiles([_raised_tile(seen), owned, *_next_tiles(seen, saved), *_exit_tile(seen, chosen)])


def _exit_tile(seen: Funding, chosen: Chosen | None) -> list[Tile]:
    say, language = text(), text().language
    if chosen is None:
        return []
    value = money_text(chosen.value, seen.currency, language)
    return [
        Tile(
            label=say("funding.tile.exit"),
            value=money_text(chosen.founders_payout(seen), seen.currency, language),
            note=say("funding.tile.exit_note", value=value),
            help=say("funding.tile.exit_help"),
        )
    ]


def _raised_tile(seen: Funding) -> Tile:
    say = text()
    done, planned = (
        money_text(seen.raised(planned=one), seen.currency, say.language) for one in (False, True)
    )
    return Tile(
        label=say("funding.tile.planned"),
        value=planned,
        note=say("funding.tile.raised_note", done=done),
        help=say("funding.tile.raised_help"),
    )


def _next_tiles(seen: Funding, saved: Funding) -> list[Tile]:
    say, language = text(), text().language
    coming, before = seen.next_round, saved.next_round
    if coming is None:
        return []
    title = literal(coming.deal.series)
    share = seen.founders_share(coming.step.after)
    moved = 0.0 if before is None else float(share - saved.founders_share(before.step.after))
    parts = {
        name: quantities.share(float(getattr(coming.dilution, name)), language)
        for name in ("new_money", "converted", "pool")
    }
    return [
        Tile(
            label=say("funding.tile.next", title=title),
            value=quantities.share(float(share), language),
            delta=say("tile.against_saved", change=f"{moved:+.1%}") if moved else None,
            better="up",
            note=say("funding.tile.next_note"),
            help=say("funding.tile.owned_help"),
        ),
        Tile(
            label=say("funding.tile.dilution", title=title),
            value=quantities.share(float(coming.dilution.total), language),
            note=say("funding.tile.dilution_note", **parts),
            help=say("funding.tile.dilution_help"),
        ),
    ]


def page() -> None:
    say = text()
    now, _ = projections()
    seen, saved = _funding_of(draft()), _funding_of(scenario_session().stored.scenario)
    st.title(say("funding.question"))
    st.markdown(f"#### {literal(_answer(seen))}")
    if not seen.is_own:
        st.caption(say("funding.synthesised_page"))
    above = st.container()
    st.subheader(say("funding.dilution_heading"))
    draw(dilution_chart(seen), "dilution", right=205, height=400)
    st.subheader(say("funding.rounds_heading"))
    draw(rounds_chart(seen), "rounds", hover="closest", height=280)
    draw_events(seen)
    chosen = choose_exit(seen, now)
    with above:
        _tiles(seen, saved, chosen)
    if chosen is not None:
        draw_exit(seen, chosen)
    draw_exchange(seen)


run_in_frame(page)
