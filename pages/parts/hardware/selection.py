"""Controls that choose what is compared: kinds, accelerators, prices, region, and search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from engine.costs.energy import Facility, regions
from engine.facts import accelerators
from engine.planning.hardware import PriceBasis, usual_hardware
from pages.parts.hardware.wording import region_name
from pages.parts.session import draft, text

_BASES: tuple[PriceBasis, ...] = get_args(PriceBasis)
_KINDS = ("gpu", "tpu", "asic", "cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The user's choice of what to compare."""

    names: tuple[str, ...]
    """Accelerators, by their keys in the table."""
    region: str
    """Code of the region, which decides the prices and the carbon of electricity."""
    basis: PriceBasis
    """The published price that is used: the typical or the cheapest."""
    search_all: bool
    """Whether every layout is searched instead of the usual ones."""


def choose_hardware() -> Selection:
    """Draw the controls and return what is chosen."""
    say, own = text(), draft().plan.cluster.accelerator
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        kinds = st.pills(
            say("hardware.kinds"),
            _KINDS,
            selection_mode="multi",
            format_func=lambda kind: say(f"hardware.kind.{kind}"),
            key=_remembered("kinds", list(_KINDS), labelled=True),
        )
        basis = st.segmented_control(
            say("hardware.basis"),
            _BASES,
            format_func=lambda basis: say(f"hardware.price_basis.{basis}"),
            help=say("hardware.basis_help"),
            required=True,
            key=_remembered("basis", _BASES[0], labelled=True),
        )
        region_names = {code: region_name(code) for code in regions()}
        region = st.selectbox(
            say("hardware.region"),
            sorted(region_names, key=lambda code: (code.split("-")[0] != "US", region_names[code])),
            format_func=region_names.__getitem__,
            help=say("hardware.region_help"),
            key=_remembered("region", Facility().region, labelled=True),
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
    names_key = f"names.{own}.{'-'.join(kinds)}"
    names = st.multiselect(
        say("hardware.names"),
        list(labels),
        format_func=labels.__getitem__,
        placeholder=say("hardware.names_placeholder"),
        key=_remembered(names_key, usual),
        wrap=True,
    )
    for name, value in (
        ("kinds", kinds),
        ("basis", basis),
        ("region", region),
        ("search_all", search_all),
        (names_key, names),
    ):
        _remember(name, value)
    return Selection(
        names=tuple(names), region=region, basis=basis or _BASES[0], search_all=search_all
    )


def _remembered(name: str, default: Any, *, labelled: bool = False) -> str:
    """Return a widget's key, and give the widget the value that it had before.

    Streamlit drops the state of a widget while another page is open. A ``labelled`` widget returns
    its options by their labels, so each language has a widget of its own.
    """
    key = f"hardware.{name}" + (f".{text().language}" if labelled else "")
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get("hardware", {}).get(name, default)
    return key


def _remember(name: str, value: object) -> None:
    st.session_state.setdefault("hardware", {})[name] = value
