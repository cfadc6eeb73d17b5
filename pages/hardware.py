"""Which accelerator should this plan run on? The same plan on each, and the ways to buy it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from engine import quantities
from engine.costs.energy import Facility, regions
from engine.facts import accelerators
from engine.forecast import Figure
from engine.plan import Plan
from engine.planning.hardware import (
    HardwareRow,
    PriceBasis,
    cheapest,
    compare_hardware,
    fastest,
    usual_hardware,
)
from engine.reports.forecast_tables import change, show
from pages.parts.charts import draw
from pages.parts.frame import run_in_frame
from pages.parts.hardware.buying import buying, choose_to_buy
from pages.parts.hardware.charts import (
    bars_height,
    cost_time_chart,
    energy_chart,
    memory_chart,
    points_of,
    time_unit,
)
from pages.parts.hardware.table import table
from pages.parts.hardware.wording import marked, place, show_co2, show_energy, shown_time
from pages.parts.session import draft, text
from pages.parts.tiles import Tile, tiles

BASES: tuple[PriceBasis, ...] = get_args(PriceBasis)
KINDS = ("gpu", "tpu", "asic", "cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is compared, and how."""

    names: tuple[str, ...]
    region: str
    basis: PriceBasis
    search_all: bool


def _controls() -> Asked:
    say, own = text(), draft().plan.cluster.accelerator
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        kinds = st.pills(
            say("hardware.kinds"),
            KINDS,
            selection_mode="multi",
            format_func=lambda kind: say(f"hardware.kind.{kind}"),
            key=_remembered("kinds", list(KINDS), worded=True),
        )
        basis = st.segmented_control(
            say("hardware.basis"),
            BASES,
            format_func=lambda one: say(f"hardware.price_basis.{one}"),
            help=say("hardware.basis_help"),
            required=True,
            key=_remembered("basis", BASES[0], worded=True),
        )
        places = {code: place(code) for code in regions()}
        region = st.selectbox(
            say("hardware.region"),
            sorted(places, key=lambda code: (code.split("-")[0] != "US", places[code])),
            format_func=places.__getitem__,
            help=say("hardware.region_help"),
            key=_remembered("region", Facility().region, worded=True),
            width=190,
        )
        search_all = st.toggle(
            say("hardware.search_all"),
            help=say("hardware.search_all_help"),
            key=_remembered("search_all", False),
        )
    of_kinds = [row for row in accelerators().values() if row.kind in kinds]
    labels = {row.accelerator: row.name for row in of_kinds}
    usual = [name for name in usual_hardware(own, kinds) if name in labels]
    which = f"names.{own}.{'-'.join(kinds)}"
    names = st.multiselect(
        say("hardware.names"),
        list(labels),
        format_func=labels.__getitem__,
        placeholder=say("hardware.names_placeholder"),
        key=_remembered(which, usual),
        wrap=True,
    )
    for name, value in (
        ("kinds", kinds),
        ("basis", basis),
        ("region", region),
        ("search_all", search_all),
        (which, names),
    ):
        _remember(name, value)
    return Asked(names=tuple(names), region=region, basis=basis or BASES[0], search_all=search_all)


def _remembered(name: str, default: Any, *, worded: bool = False) -> str:
    """The key of a widget, which starts with what was chosen before another page was open.

    Widgets answer with the ``worded`` labels of their options: in another language they are
    other widgets.
    """
    key = f"hardware.{name}" + (f".{text().language}" if worded else "")
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get("hardware", {}).get(name, default)
    return key


def _remember(name: str, value: object) -> None:
    st.session_state.setdefault("hardware", {})[name] = value


@st.cache_resource(max_entries=100, show_spinner=False)
def _compared(
    content_hash: str, names: tuple[str, ...], region: str, search_all: bool, _plan: Plan
) -> tuple[HardwareRow, ...]:
    """Kept by the hash of the plan; rows are frozen, so all sessions may share them."""
    return compare_hardware(_plan, names, Facility(region=region), search_all=search_all)


def _rows(asked: Asked) -> tuple[tuple[HardwareRow, ...], HardwareRow]:
    """(those that are asked for, the plan's own)."""
    plan = draft().plan
    own = plan.cluster.accelerator
    names = asked.names if own in asked.names else (own, *asked.names)
    with st.spinner(text()("hardware.computing", n=len(names))):
        rows = _compared(plan.content_hash, names, asked.region, asked.search_all, plan)
    by_name = {row.device.accelerator: row for row in rows}
    return tuple(by_name[name] for name in asked.names), by_name[own]


def _name(row: HardwareRow) -> str:
    """With a word on it if it is the plan's own."""
    return text()("hardware.own_name", name=marked(row)) if row.is_own else marked(row)


def _usd(figure: Figure | None) -> str:
    say = text()
    return say("hardware.unknown") if figure is None else quantities.usd(figure.value, say.language)


def _answer(rows: Sequence[HardwareRow], own: HardwareRow, basis: PriceBasis) -> str | None:
    """One sentence; None where the plan fits nowhere."""
    say = text()
    quick, thrifty = fastest(rows), cheapest(rows, basis)
    if quick is None:
        return None
    clauses = []
    if thrifty is None:
        clauses.append(
            say("hardware.best_fastest_unpriced", name=_name(quick), time=shown_time(quick))
        )
    else:
        cost, time = _usd(thrifty.cost_usd(basis)), shown_time(thrifty)
        key = "hardware.best_both" if thrifty is quick else "hardware.best_cheapest"
        clauses.append(say(key, name=_name(thrifty), cost=cost, time=time))
        if quick is not thrifty and quick.cost_usd(basis) is None:
            clauses.append(
                say("hardware.best_fastest_unpriced", name=_name(quick), time=shown_time(quick))
            )
        elif quick is not thrifty:
            cost, time = _usd(quick.cost_usd(basis)), shown_time(quick)
            clauses.append(say("hardware.best_fastest", name=_name(quick), cost=cost, time=time))
    if own.forecast is None:
        clauses.append(say("hardware.own_unknown", name=marked(own)))
    elif not own.fits:
        clauses.append(say("hardware.own_too_small", name=marked(own)))
    elif not (quick.is_own or (thrifty and thrifty.is_own)):
        cost, time = _usd(own.cost_usd(basis)), shown_time(own)
        clauses.append(say("hardware.own_takes", name=marked(own), cost=cost, time=time))
    return say("hardware.and").join(clauses) + say("hardware.end")


def _why_nowhere(rows: Sequence[HardwareRow], plan: Plan) -> str:
    """What to change of a plan that fits on none of ``rows``."""
    say = text()
    seen = [row for row in rows if row.forecast]
    if not seen:
        problem = next(row.problem for row in rows if row.problem)
        return say("hardware.no_forecast", n=len(rows), problem=problem.in_language(say.language))
    lacking = [
        (row.least_memory_bytes / row.usable_memory_bytes, row.least_memory_bytes, row)
        for row in seen
        if row.least_memory_bytes is not None
    ]
    if not lacking:
        return say(
            "hardware.no_layout",
            n=len(rows),
            batch=plan.layout.global_batch_sequences(plan.cluster.n_devices),
            devices=plan.cluster.n_devices,
        )
    _, memory, nearest = min(lacking, key=lambda one: one[0])
    return say(
        "hardware.fits_nowhere",
        n=len(rows),
        name=marked(nearest),
        memory=show("memory_bytes", memory, say.language),
        room=show("memory_bytes", nearest.usable_memory_bytes, say.language),
    )


def _tiles(rows: Sequence[HardwareRow], own: HardwareRow, basis: PriceBasis) -> None:
    tiles(
        [
            _cheapest_tile(rows, own, basis),
            _fastest_tile(rows, own),
            _own_tile(own, basis),
            _energy_tile(rows),
            _serving_tile(rows),
        ]
    )


def _cheapest_tile(rows: Sequence[HardwareRow], own: HardwareRow, basis: PriceBasis) -> Tile:
    say = text()
    best = cheapest(rows, basis)
    cost = best.cost_usd(basis) if best else None
    if best is None or cost is None:
        return Tile(label=say("hardware.cheapest"), value=say("hardware.unknown"))
    key = "hardware.note_offers"
    if best.is_own and basis == "typical":
        key = "hardware.note_own_price"
    return Tile(
        label=say("hardware.cheapest"),
        value=_usd(cost),
        note=say(
            key,
            name=marked(best),
            low=quantities.usd(cost.low, say.language),
            high=quantities.usd(cost.high, say.language),
            which=say(f"hardware.price_basis.{basis}"),
            n=best.n_offers,
        ),
        delta=_against_own(cost, own.cost_usd(basis)) if own.fits else None,
        better="down",
        help=say("hardware.basis_help"),
    )


def _fastest_tile(rows: Sequence[HardwareRow], own: HardwareRow) -> Tile:
    say = text()
    best = fastest(rows)
    assert best is not None
    assert best.forecast is not None
    time = best.forecast.wall_clock_hours
    before = own.forecast.wall_clock_hours if own.fits and own.forecast else None
    return Tile(
        label=say("hardware.fastest"),
        value=shown_time(best),
        note=say(
            "hardware.note_interval",
            name=marked(best),
            low=show("wall_clock_hours", time.low, say.language),
            high=show("wall_clock_hours", time.high, say.language),
        ),
        delta=_against_own(time, before),
        better="down",
        help=say("basis.wall_clock_hours"),
    )


def _against_own(now: Figure, own: Figure | None) -> str | None:
    moved = change(own.value, now.value) if own else None
    return None if moved is None else text()("hardware.against_own", change=f"{moved:+.1%}")


def _own_tile(own: HardwareRow, basis: PriceBasis) -> Tile:
    say = text()
    if own.forecast is None or not own.fits:
        key = "problem" if own.forecast is None else "too_small"
        return Tile(label=say("hardware.own"), value=say(f"hardware.fit.{key}"), note=marked(own))
    return Tile(
        label=say("hardware.own"),
        value=_usd(own.cost_usd(basis)),
        note=say(
            "hardware.note_own", name=marked(own), time=shown_time(own), cited=_cited(own, basis)
        ),
    )


def _cited(row: HardwareRow, basis: PriceBasis) -> str:
    offer = row.offer(basis)
    return offer.cited if offer else text()("hardware.unknown")


def _energy_tile(rows: Sequence[HardwareRow]) -> Tile:
    say = text()
    known = [(energy.value, row) for row in rows if row.fits and (energy := row.energy_kwh)]
    help_text = say("hardware.basis_least_energy")
    if not known:
        return Tile(
            label=say("hardware.least_energy"), value=say("hardware.unknown"), help=help_text
        )
    kwh, row = min(known, key=lambda one: one[0])
    return Tile(
        label=say("hardware.least_energy"),
        value=show_energy(kwh, say.language),
        note=say(
            "hardware.note_energy",
            name=marked(row),
            co2=show_co2(row.co2e_kg),
            usd=_usd(row.electricity_usd),
        ),
        help=help_text,
    )


def _serving_tile(rows: Sequence[HardwareRow]) -> Tile:
    say = text()
    known = [
        (price, row)
        for row in rows
        if row.fits and (price := row.serving_usd_per_million_tokens) is not None
    ]
    label, help_text = say("hardware.cheapest_to_serve"), say("hardware.basis_serve")
    if not known:
        return Tile(label=label, value=say("hardware.unknown"), help=help_text)
    price, row = min(known, key=lambda one: one[0].value)
    return Tile(
        label=label,
        value=quantities.usd(price.value, say.language),
        note=say("hardware.per_million", name=marked(row)),
        help=help_text,
    )


def _cost_time(rows: Sequence[HardwareRow], basis: PriceBasis) -> None:
    say = text()
    st.subheader(say("hardware.cost_time_heading"))
    points = points_of(rows, basis)
    if points:
        draw(cost_time_chart(points, time_unit(rows)), "cost_time", height=470, hover="closest")
        st.caption(say("hardware.cost_time_note"))
    if not all(row.figures_are_read for row in rows):
        st.caption(say("hardware.dagger"))
    drawn = {point.row.device.accelerator for point in points}
    left = [row for row in rows if row.device.accelerator not in drawn]
    unpriced = [marked(row) for row in left if row.fits]
    too_small = [marked(row) for row in left if row.forecast and not row.fits]
    join = say("hardware.list_and").join
    if unpriced:
        st.caption(say("hardware.not_drawn_unpriced", names=join(unpriced)))
    if too_small:
        st.caption(say("hardware.not_drawn_too_small", names=join(too_small)))
    for row in left:
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
    st.subheader(say("hardware.energy_heading"), help=say("hardware.basis_least_energy"))
    known = [row for row in rows if row.fits and row.energy_kwh]
    if known:
        draw(energy_chart(rows), "energy", height=bars_height(known), hover="closest")
    else:
        st.caption(say("hardware.energy_unknown"))
    facility = Facility(region=region)
    grams = facility.carbon_gco2e_per_kwh()
    st.caption(
        say(
            "hardware.region_note",
            region=place(region),
            usd=quantities.usd(facility.electricity_price_usd_per_kwh(), say.language),
            carbon=say("hardware.co2_unknown")
            if grams is None
            else say("hardware.grid_carbon", n=quantities.number(grams, say.language)),
        )
    )
    unknown = [marked(row) for row in rows if row.fits and not row.energy_kwh]
    if known and unknown:
        st.caption(say("hardware.power_unknown", names=say("hardware.list_and").join(unknown)))


def _memory(rows: Sequence[HardwareRow]) -> None:
    st.subheader(text()("hardware.memory_heading"), help=text()("basis.memory_bytes_per_device"))
    seen = [row for row in rows if row.forecast]
    if seen:
        draw(memory_chart(rows), "memory", height=bars_height(seen), hover="closest")


def page() -> None:
    say = text()
    st.title(say("hardware.question"))
    head = st.container()
    asked = _controls()
    if not asked.names:
        head.info(say("hardware.nothing_chosen"), icon=":material/info:")
        return
    with head:
        rows, own = _rows(asked)
        answer = _answer(rows, own, asked.basis)
        if answer is None:
            st.error(_why_nowhere(rows, draft().plan), icon=":material/block:")
        else:
            st.markdown(f"#### {answer}")
            _tiles(rows, own, asked.basis)
    _cost_time(rows, asked.basis)
    if answer is None:  # where nothing can run, nothing draws power
        _memory(rows)
    else:
        left, right = st.columns(2, gap="large")
        with left:
            _energy(rows, asked.region)
        with right:
            _memory(rows)
    table(rows, choose_to_buy)
    best = cheapest(rows, asked.basis) or fastest(rows) or rows[0]
    buying(rows, best.device.accelerator, asked.region)


run_in_frame(page)
