"""The page's answer in one sentence, and its tiles."""

from __future__ import annotations

from collections.abc import Sequence

from engine import quantities
from engine.forecast import Figure
from engine.plan import Plan
from engine.planning.hardware import HardwareRow, PriceBasis, cheapest, fastest
from engine.reports.forecast_tables import change, show, show_value
from pages.parts.hardware.wording import marked, show_co2, show_energy, shown_time
from pages.parts.session import text
from pages.parts.tiles import Tile


def _name(row: HardwareRow) -> str:
    """Return the accelerator's name, with a note if it is the plan's own."""
    return text()("hardware.own_name", name=marked(row)) if row.is_own else marked(row)


def _usd(figure: Figure | None) -> str:
    say = text()
    return (
        say("hardware.unknown") if figure is None else show_value("cost_usd", figure, say.language)
    )


def answer_text(rows: Sequence[HardwareRow], own: HardwareRow, basis: PriceBasis) -> str | None:
    """Return one sentence; None if the plan fits on no accelerator."""
    say = text()
    quickest, least_cost = fastest(rows), cheapest(rows, basis)
    if quickest is None:
        return None
    clauses = []
    if least_cost is None:
        clauses.append(
            say("hardware.best_fastest_unpriced", name=_name(quickest), time=shown_time(quickest))
        )
    else:
        cost, time = _usd(least_cost.cost_usd(basis)), shown_time(least_cost)
        key = "hardware.best_both" if least_cost is quickest else "hardware.best_cheapest"
        clauses.append(say(key, name=_name(least_cost), cost=cost, time=time))
        if quickest is not least_cost and quickest.cost_usd(basis) is None:
            clauses.append(
                say(
                    "hardware.best_fastest_unpriced",
                    name=_name(quickest),
                    time=shown_time(quickest),
                )
            )
        elif quickest is not least_cost:
            cost, time = _usd(quickest.cost_usd(basis)), shown_time(quickest)
            clauses.append(say("hardware.best_fastest", name=_name(quickest), cost=cost, time=time))
    if own.forecast is None:
        clauses.append(say("hardware.own_unknown", name=marked(own)))
    elif not own.fits:
        clauses.append(say("hardware.own_too_small", name=marked(own)))
    elif not (quickest.is_own or (least_cost and least_cost.is_own)):
        cost, time = _usd(own.cost_usd(basis)), shown_time(own)
        clauses.append(say("hardware.own_takes", name=marked(own), cost=cost, time=time))
    return say("hardware.and").join(clauses) + say("hardware.end")


def why_nothing_fits(rows: Sequence[HardwareRow], plan: Plan) -> str:
    """Return a sentence about the change that would make the plan fit on one of ``rows``."""
    say = text()
    forecast_rows = [row for row in rows if row.forecast]
    if not forecast_rows:
        problem = next(row.problem for row in rows if row.problem)
        return say("hardware.no_forecast", n=len(rows), problem=problem.in_language(say.language))
    too_small = [
        (row.least_memory_bytes / row.usable_memory_bytes, row.least_memory_bytes, row)
        for row in forecast_rows
        if row.least_memory_bytes is not None
    ]
    if not too_small:
        return say(
            "hardware.no_layout",
            n=len(rows),
            batch=plan.layout.global_batch_sequences(plan.cluster.n_devices),
            devices=plan.cluster.n_devices,
        )
    _, memory, nearest = min(too_small, key=lambda entry: entry[0])
    return say(
        "hardware.fits_nowhere",
        n=len(rows),
        name=marked(nearest),
        memory=show("memory_bytes", memory, say.language),
        room=show("memory_bytes", nearest.usable_memory_bytes, say.language),
    )


def hardware_tiles(rows: Sequence[HardwareRow], own: HardwareRow, basis: PriceBasis) -> list[Tile]:
    """Return the tiles of the best accelerators and of the plan's own, if anything fits."""
    return [
        _cheapest_tile(rows, own, basis),
        _fastest_tile(rows, own),
        _own_tile(own, basis),
        _energy_tile(rows),
        _serving_tile(rows),
    ]


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
    return offer.citation if offer else text()("hardware.unknown")


def _energy_tile(rows: Sequence[HardwareRow]) -> Tile:
    say = text()
    entries = [(energy.value, row) for row in rows if row.fits and (energy := row.energy_kwh)]
    help_text = say("hardware.basis_least_energy")
    if not entries:
        return Tile(
            label=say("hardware.least_energy"), value=say("hardware.unknown"), help=help_text
        )
    kwh, row = min(entries, key=lambda entry: entry[0])
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
    entries = [
        (price, row)
        for row in rows
        if row.fits and (price := row.serving_usd_per_million_tokens) is not None
    ]
    label, help_text = say("hardware.cheapest_to_serve"), say("hardware.basis_serve")
    if not entries:
        return Tile(label=label, value=say("hardware.unknown"), help=help_text)
    price, row = min(entries, key=lambda entry: entry[0].value)
    return Tile(
        label=label,
        value=show_value("cost_usd", price, say.language),
        note=say("hardware.per_million", name=marked(row)),
        help=help_text,
    )
