"""The five assumptions that move the runway most, as bars."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from engine import quantities
from engine.text import Catalog
from finance.verdict.drivers import FORECAST, Driver, Drivers, Outcome
from finance.verdict.units import unit_of
from pages.parts.found_drivers import found_drivers
from pages.parts.input_words import input_place, range_in_words
from pages.parts.session import draft, text

SHOWN = 5
_WORSE, _BETTER = "#D55E00", "#009E73"
_STYLE = """
<style>
.drivers { width: 100%; margin-top: 0.4rem; border-collapse: collapse;
  font-size: 0.86rem; line-height: 1.2; }
.drivers td, .drivers th { padding: 0.16rem 0.3rem; border: none; text-align: left;
  font-weight: 400; vertical-align: middle; }
.drivers th:first-child { padding-left: 0; }
.drivers thead th { font-size: 0.8rem; padding-block: 0; }
.drivers thead th:last-child { text-align: right; }
.drivers .name { width: 56%; overflow-wrap: anywhere; }
.drivers .range { font-size: 0.8rem; }
.drivers .effect { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
.drivers .bar { position: relative; height: 1.05rem; min-width: 4.5rem; }
.drivers .bar i { position: absolute; top: 0.15rem; bottom: 0.15rem; border-radius: 2px; }
.drivers .bar b { position: absolute; top: -0.15rem; bottom: -0.15rem; width: 1px;
  background: currentColor; opacity: 0.55; }
</style>
"""


def draw_drivers() -> None:
    """Draw the assumptions that move the runway most; they are computed after the rest."""
    say, place = text(), st.empty()
    scenario = draft()
    found = found_drivers(scenario, place)
    strongest = found.strongest(SHOWN)
    if not strongest:
        place.caption(say("summary.no_drivers"))
        return
    place.html(drivers_html(say, scenario.model_dump(mode="json"), found, strongest))


def drivers_html(
    say: Catalog, data: Mapping[str, Any], found: Drivers, strongest: Sequence[Driver]
) -> str:
    """Return a table with a bar for each driver, from the outcome at its low to its high end.

    The bars show the runway, or the lowest cash where the cash lasts beyond the horizon at both
    ends of all of them.
    """
    by_cash = not any(driver.runway_spread_months for driver in strongest)
    horizon = strongest[0].horizon_months

    def figure(outcome: Outcome) -> float:
        if by_cash:
            return outcome.lowest_cash_usd
        return float(horizon) if outcome.runway_months is None else outcome.runway_months

    base = figure(found.base)
    ends = [figure(end) for driver in strongest for end in (driver.at_low, driver.at_high)]
    least, most = min(*ends, base), max(*ends, base)
    span = (most - least) or 1.0

    def position(value: float) -> float:
        return 100 * (value - least) / span

    rows = []
    for driver in strongest:
        unit = "" if driver.path == FORECAST else unit_of(draft(), driver.path)
        low, high = sorted((figure(driver.at_low), figure(driver.at_high)))
        parts = [
            (min(low, base), min(high, base), _WORSE),
            (max(low, base), max(high, base), _BETTER),
        ]
        bars = "".join(
            f'<i style="left:{position(start):.1f}%;width:{position(end) - position(start):.1f}%;'
            f'background:{color}"></i>'
            for start, end, color in parts
            if end > start
        )
        place = input_place(say, data, driver.path, with_page=True)
        effect = _effect(say, low, high, horizon, by_cash=by_cash)
        rows.append(
            f'<tr><th scope="row" class="name">{html.escape(place)}'
            f'<br><span class="range">{html.escape(range_in_words(say, driver, unit))}</span></th>'
            f'<td><div class="bar">{bars}<b style="left:{position(base):.1f}%"></b></div></td>'
            f'<td class="effect">{html.escape(effect)}</td></tr>'
        )
    head = "".join(
        f'<th scope="col">{html.escape(say(f"summary.driver_{name}"))}</th>'
        for name in ("input", "bar", "cash" if by_cash else "runway")
    )
    return (
        f'{_STYLE}<table class="drivers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _effect(say: Catalog, low: float, high: float, horizon: int, *, by_cash: bool) -> str:
    if by_cash:
        return f"{quantities.usd(low, say.language)} – {quantities.usd(high, say.language)}"
    shown = quantities.months_number(low, say.language)
    end = f"{horizon}+" if high >= horizon else quantities.months_number(high, say.language)
    return f"{shown} – {end}"
