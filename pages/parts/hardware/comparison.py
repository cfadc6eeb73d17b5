"""The same plan on several accelerators, and the ways to buy them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import quantities
from engine.costs.energy import Facility
from engine.plan import Plan
from engine.planning.hardware import HardwareRow, PriceBasis, cheapest, compare_hardware, fastest
from pages.parts.charts import draw
from pages.parts.hardware.buying import buying, choose_to_buy
from pages.parts.hardware.charts import (
    bars_height,
    cost_time_chart,
    energy_chart,
    memory_chart,
    points_of,
    time_unit,
)
from pages.parts.hardware.selection import Selection, choose_hardware
from pages.parts.hardware.summary import answer_text, hardware_tiles, why_nothing_fits
from pages.parts.hardware.table import table
from pages.parts.hardware.wording import marked, region_name
from pages.parts.session import draft, text
from pages.parts.tiles import show_answer, tiles


@st.cache_resource(max_entries=100, show_spinner=False)
def _compared(
    content_hash: str, names: tuple[str, ...], region: str, search_all: bool, _plan: Plan
) -> tuple[HardwareRow, ...]:
    """Compare, cached by the plan's hash; rows are frozen, so all sessions may share them."""
    return compare_hardware(_plan, names, Facility(region=region), search_all=search_all)


def _rows(selection: Selection) -> tuple[tuple[HardwareRow, ...], HardwareRow]:
    """Return the rows of the selection, and the row of the plan's own accelerator."""
    plan = draft().plan
    own = plan.cluster.accelerator
    names = selection.names if own in selection.names else (own, *selection.names)
    with st.spinner(text()("hardware.computing", n=len(names))):
        rows = _compared(plan.content_hash, names, selection.region, selection.search_all, plan)
    by_name = {row.device.accelerator: row for row in rows}
    return tuple(by_name[name] for name in selection.names), by_name[own]


def _cost_time(rows: Sequence[HardwareRow], basis: PriceBasis) -> None:
    say = text()
    st.header(say("hardware.cost_time_heading"))
    points = points_of(rows, basis)
    if points:
        draw(cost_time_chart(points, time_unit(rows)), "cost_time", height=470, hover="closest")
        st.caption(say("hardware.cost_time_note"))
    if not all(row.figures_are_read for row in rows):
        st.caption(say("hardware.dagger"))
    drawn = {point.row.device.accelerator for point in points}
    not_drawn = [row for row in rows if row.device.accelerator not in drawn]
    unpriced = [marked(row) for row in not_drawn if row.fits]
    too_small = [marked(row) for row in not_drawn if row.forecast and not row.fits]
    join = say("hardware.list_and").join
    if unpriced:
        st.caption(say("hardware.not_drawn_unpriced", names=join(unpriced)))
    if too_small:
        st.caption(say("hardware.not_drawn_too_small", names=join(too_small)))
    for row in not_drawn:
        if row.problem:
            st.caption(
                say(
                    "hardware.not_drawn_problem",
                    name=marked(row),
                    problem=row.problem.in_language(say.language),
                )
            )


def _energy(rows: Sequence[HardwareRow], region: str) -> None:
    say = text()
    st.header(say("hardware.energy_heading"), help=say("hardware.basis_least_energy"))
    powered = [row for row in rows if row.fits and row.energy_kwh]
    if powered:
        draw(energy_chart(rows), "energy", height=bars_height(powered), hover="closest")
    else:
        st.caption(say("hardware.energy_unknown"))
    facility = Facility(region=region)
    grams = facility.carbon_gco2e_per_kwh()
    st.caption(
        say(
            "hardware.region_note",
            region=region_name(region),
            usd=quantities.usd(facility.electricity_price_usd_per_kwh(), say.language),
            carbon=say("hardware.co2_unknown")
            if grams is None
            else say("hardware.grid_carbon", n=quantities.number(grams, say.language)),
        )
    )
    unknown = [marked(row) for row in rows if row.fits and not row.energy_kwh]
    if powered and unknown:
        st.caption(say("hardware.power_unknown", names=say("hardware.list_and").join(unknown)))


def _memory(rows: Sequence[HardwareRow]) -> None:
    st.header(text()("hardware.memory_heading"), help=text()("basis.memory_bytes_per_device"))
    forecast_rows = [row for row in rows if row.forecast]
    if forecast_rows:
        draw(memory_chart(rows), "memory", height=bars_height(forecast_rows), hover="closest")


def draw_hardware() -> None:
    """Draw the comparison."""
    say = text()
    head = st.container()
    selection = choose_hardware()
    if not selection.names:
        head.info(say("hardware.nothing_chosen"), icon=":material/info:")
        return
    with head:
        rows, own = _rows(selection)
        answer = answer_text(rows, own, selection.basis)
        if answer is None:
            st.error(why_nothing_fits(rows, draft().plan), icon=":material/block:")
        else:
            show_answer(answer)
            tiles(hardware_tiles(rows, own, selection.basis), key="_hardware")
    _cost_time(rows, selection.basis)
    if answer is None:  # nothing fits, so nothing draws power
        _memory(rows)
    else:
        left, right = st.columns(2, gap="large")
        with left:
            _energy(rows, selection.region)
        with right:
            _memory(rows)
    table(rows, choose_to_buy)
    best = cheapest(rows, selection.basis) or fastest(rows) or rows[0]
    buying(rows, best.device.accelerator, selection.region)
