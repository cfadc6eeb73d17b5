"""Table of the plan on several accelerators, with all figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.currencies import displayed_amount
from engine.forecast import Figure
from engine.planning.hardware import HardwareRow, Offer
from engine.units import BYTES_PER_GB
from pages.parts.figures.ticks import currency_unit, money_format
from pages.parts.hardware.charts import TIME_UNITS, time_unit
from pages.parts.hardware.wording import marked
from pages.parts.session import text


def _fit(row: HardwareRow) -> str:
    if row.forecast is None:
        return "problem"
    if not row.fits:
        return "too_small"
    return "searched" if row.searched else "planned"


def table(rows: Sequence[HardwareRow], choose: Callable[[str], None]) -> None:
    """Draw the table; ``choose`` is called with the accelerator of a selected row."""
    say = text()
    unit = time_unit(rows)
    frame = pd.DataFrame([_cells(row, TIME_UNITS[unit]) for row in rows], columns=COLUMNS)
    for name in _DIGITS_COLUMNS:
        if _smallest(frame[name]) >= _WHOLE_FROM:
            frame[name] = frame[name].round()
    names = [row.device.accelerator for row in rows]
    key = f"hardware.table.{say.language}.{'-'.join(names)}"

    def take() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen:
            choose(names[chosen[0]])

    st.header(say("hardware.table_heading"))
    st.dataframe(
        _in_display_currency(frame),
        hide_index=True,
        column_config=_columns(frame, unit),
        placeholder=say("hardware.unknown"),
        on_select=take,
        selection_mode="single-row",
        key=key,
        alt=say("hardware.table_heading"),
    )
    st.caption(say("hardware.table_note"))


def _in_display_currency(frame: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in (*_USD_COLUMNS, *_PRICE_COLUMNS) if name in frame]
    return frame.assign(**{name: frame[name] * displayed_amount(1) for name in names})


def _cells(row: HardwareRow, hours_each: float) -> dict[str, object]:
    """Return a row of the table; unknown values are None or left out."""
    say, device = text(), row.device
    cells: dict[str, object] = {
        "name": marked(row),
        "fit": say(f"hardware.fit.{_fit(row)}"),
        "energy": _value(row.energy_kwh),
        "co2": _value(row.co2e_kg),
        "electricity": _value(row.electricity_usd),
        "serving": _value(row.serving_usd_per_million_tokens),
        "typical_price": _price(row.typical),
        "typical_source": _offer_text(row.typical),
        "cheapest": _value(row.cost_usd("cheapest")),
        "cheapest_price": _price(row.cheapest),
        "cheapest_source": _offer_text(row.cheapest),
        "offers": row.n_offers,
        "memory_all": device.memory_gb,
        "precision": row.plan.layout.precision,
        "arch": device.arch,
        "confidence": say(f"option.confidence.{device.confidence}"),
        "source": device.source,
        "as_of": device.as_of,
    }
    cells |= _three("typical", row.cost_usd("typical"))
    if forecast := row.forecast:
        cells |= _three("time", forecast.wall_clock_hours * (1 / hours_each))
        cells |= _three("tokens", forecast.tokens_per_s)
        cells |= {
            "mfu": 100 * forecast.mfu.value,
            "device_hours": forecast.device_hours.value,
            "memory": forecast.memory_bytes_per_device.value / BYTES_PER_GB,
            "headroom": 100 * (row.memory_headroom_share or 0.0),
            "layout": row.plan.layout.short_name,
        }
    return cells


def _three(name: str, figure: Figure | None) -> dict[str, object]:
    if figure is None:
        return {}
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}


def _value(figure: Figure | None) -> float | None:
    return figure.value if figure else None


def _price(offer: Offer | None) -> float | None:
    return float(offer.usd_per_device_hour) if offer else None


def _offer_text(offer: Offer | None) -> str | None:
    if offer is None:
        return None
    return f"{offer.citation} · {offer.source}" if offer.source else offer.citation


COLUMNS = (
    "name",
    "fit",
    "typical",
    "time",
    "tokens",
    "mfu",
    "headroom",
    "energy",
    "co2",
    "electricity",
    "serving",
    "device_hours",
    "typical_low",
    "typical_high",
    "time_low",
    "time_high",
    "tokens_low",
    "tokens_high",
    "typical_price",
    "typical_source",
    "cheapest",
    "cheapest_price",
    "cheapest_source",
    "offers",
    "memory",
    "memory_all",
    "precision",
    "layout",
    "arch",
    "confidence",
    "source",
    "as_of",
)
_USD_COLUMNS = ("typical", "typical_low", "typical_high", "cheapest", "electricity")
_PRICE_COLUMNS = ("typical_price", "cheapest_price", "serving")
_COMPACT_COLUMNS = ("tokens", "tokens_low", "tokens_high")
_DIGITS_COLUMNS = ("time", "time_low", "time_high", "device_hours", "energy", "co2", "offers")
_WHOLE_FROM = 100  # larger numbers are shown without decimals
_PERCENT_COLUMNS = ("mfu", "headroom")
_GB_COLUMNS = ("memory", "memory_all")


def _columns(frame: pd.DataFrame, unit: str) -> dict[str, Any]:
    """Return the columns' headings with units, and their number formats."""
    say = text()
    config: dict[str, Any] = {}
    for name in frame.columns:
        label = say(f"hardware.column.{unit if name == 'time' else name}", currency=currency_unit())
        form = None
        if name in _USD_COLUMNS:
            form = usd_format(frame[name])
        elif name in _PRICE_COLUMNS:
            form = money_format(3)
        elif name in _COMPACT_COLUMNS:
            form = "compact"
        elif name in _DIGITS_COLUMNS:
            form = _number_format(frame[name])
        elif name in _PERCENT_COLUMNS:
            form = "%.1f%%"
        elif name in _GB_COLUMNS:
            form = "%.1f"
        if form is None:
            config[name] = st.column_config.TextColumn(label, pinned=name == "name")
        else:
            config[name] = st.column_config.NumberColumn(label, format=form)
    return config


def usd_format(amounts: pd.Series[float]) -> str:
    """Return a format with cents, or with four decimals if an amount is below a dollar."""
    return money_format(2 if _smallest(amounts) >= 1 else 4)


def _number_format(values: pd.Series[float]) -> str:
    return "localized" if _smallest(values) >= _WHOLE_FROM else "%.3g"


def _smallest(values: pd.Series[float]) -> float:
    known = pd.to_numeric(values).dropna()
    return float(known.min()) if len(known) else 0.0
