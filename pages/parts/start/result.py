"""Live results of the answers: the run, whether it fits, the runway, and the raise."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from decimal import Decimal
from html import escape

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.text import catalog
from engine.units import BYTES_PER_GB, SECONDS_PER_HOUR
from finance.metrics.cash_report import runway_text
from finance.metrics.projection import project_scenario
from finance.start.answers import StartAnswers
from finance.start.build import Started, start_company
from finance.start.money import Raise
from finance.verdict.register import number_of_own, register
from pages.parts.session import text
from pages.parts.start.state import StartState, answers_json, today


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResult:
    """Figures of the strip below the questions."""

    cost_usd: float
    hours: float
    n_devices: int
    accelerator: str
    memory_gb: float
    device_gb: float
    fits: bool
    runway_months: Decimal | None
    horizon_months: int
    burn_usd: Decimal
    """Mean net burn of the first twelve months, in USD."""
    arr_usd: Decimal
    """Annual recurring revenue after 24 months, in USD."""
    raised: Raise | None
    own: int
    """Number of assumptions that the user has answered, as the register counts them."""
    stated: int
    """Number of all assumptions of the scenario."""


def live_result(state: StartState) -> LiveResult | InputError:
    """Return the results of the answers, or why they are not possible."""
    try:
        return _result(answers_json(state), text().language, today())
    except InputError as error:
        return error


def started(state: StartState) -> Started:
    """Return the scenario of the answers; InputError if they are not possible."""
    return _started(answers_json(state), text().language, today())


@st.cache_data(max_entries=200, show_spinner=False)
def _started(answers: str, language: str, day: datetime.date) -> Started:
    return start_company(StartAnswers.parse(json.loads(answers)), catalog(language), day)


@st.cache_data(max_entries=200, show_spinner=False)
def _result(answers: str, language: str, day: datetime.date) -> LiveResult:
    made = _started(answers, language, day)
    projection, predicted = project_scenario(made.scenario), made.forecast
    year = projection.months_without_round[:12]
    own, stated = number_of_own(register(made.scenario))
    return LiveResult(
        cost_usd=predicted.cost_usd.value,
        hours=predicted.wall_clock_hours.value,
        n_devices=made.scenario.plan.cluster.n_devices,
        accelerator=made.scenario.plan.cluster.accelerator,
        memory_gb=predicted.memory_bytes_per_device.value / BYTES_PER_GB,
        device_gb=predicted.device_memory_bytes / BYTES_PER_GB,
        fits=predicted.fits,
        runway_months=projection.runway_months,
        horizon_months=projection.horizon_months,
        burn_usd=sum((month.net_burn_usd for month in year), Decimal(0)) / len(year),
        arr_usd=projection.months[23].arr_usd,
        raised=made.raised,
        own=own,
        stated=stated,
    )


def draw_strip(result: LiveResult | InputError) -> None:
    """Draw the four figures, or the reason why there are none."""
    say = text()
    if isinstance(result, InputError):
        st.warning(result.in_language(say.language), icon=":material/block:")
        return
    language = say.language
    run_note = say(
        "start.tile.run_note",
        duration=quantities.duration(result.hours * SECONDS_PER_HOUR, language),
        n=result.n_devices,
        accelerator=result.accelerator,
    )
    fits_note = say(
        "start.tile.fits_note",
        used=quantities.number(result.memory_gb, language),
        memory=quantities.number(result.device_gb, language),
    )
    runway_note = say("start.tile.runway_note", burn=quantities.usd(result.burn_usd, language))
    figures = (
        ("run", quantities.usd(result.cost_usd, language), run_note, ""),
        (
            "fits",
            say("start.tile.yes" if result.fits else "start.tile.no"),
            fits_note,
            "" if result.fits else "no",
        ),
        (
            "runway",
            runway_text(say, result.runway_months, result.horizon_months),
            runway_note,
            "",
        ),
        ("raise", *_raise_texts(result.raised), ""),
    )
    cells = "".join(
        f"<div><dt>{escape(say(f'start.tile.{name}'))}</dt>"
        f'<dd class="{mark}">{escape(value)}</dd><small>{escape(note)}</small></div>'
        for name, value, note, mark in figures
    )
    st.html(f'<dl class="start-strip">{cells}</dl>')


def _raise_texts(deal: Raise | None) -> tuple[str, str]:
    """Return the amount of the raise, and its month with the share that it sells."""
    say = text()
    if deal is None:
        return say("start.tile.no_raise"), say("start.tile.no_raise_note")
    sold = quantities.share(round(deal.sold_share, 3), say.language)
    return (
        quantities.usd(deal.amount_usd, say.language),
        say("start.tile.raise_note", month=deal.month, sold=sold),
    )
