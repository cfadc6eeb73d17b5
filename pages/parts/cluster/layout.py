"""The fastest layouts of the plan, in a table to choose from."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.facts import accelerator
from engine.layout import Layout
from engine.plan import Plan
from engine.planning.layouts import search_layouts
from engine.predictor.estimate import mfu
from engine.predictor.search import SearchResult
from engine.units import BYTES_PER_GB
from pages.parts.session import draft, scenario_session, text

_SHOWN = 50


def best_layouts() -> None:
    """Draw a sortable table of the fastest layouts that fit; a selected row replaces the plan's."""
    say, plan = text(), draft().plan
    result = _search(plan.content_hash, plan)
    sequences = plan.layout.global_batch_sequences(plan.cluster.n_devices)
    if not result.found:
        st.warning(
            say(
                "plan.no_layout",
                candidates=f"{result.n_candidates:,}",
                memory=f"{result.least_memory_bytes / BYTES_PER_GB:.0f} GB",
                device=f"{accelerator(plan.cluster.accelerator).memory_gb:.0f} GB",
            ),
            icon=":material/memory_alt:",
        )
        return
    st.caption(
        say(
            "plan.layouts_note",
            fitting=f"{result.n_fitting:,}",
            candidates=f"{result.n_candidates:,}",
            sequences=f"{sequences:,}",
        )
    )
    chosen = st.dataframe(
        _table(result, plan),
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key=f"layouts#{scenario_session().revision}",
        column_config={
            say("table.tokens_per_device"): st.column_config.NumberColumn(format="%d"),
            "MFU": st.column_config.NumberColumn(format="%.1f%%"),
            say("table.step_s"): st.column_config.NumberColumn(format="%.3g"),
            say("table.memory_gb"): st.column_config.NumberColumn(format="%.1f"),
        },
    )
    rows = chosen["selection"]["rows"]
    if rows:
        layout = result.found[rows[0]].layout
        scenario_session().change({"plan.layout": layout.model_dump(mode="json")})
        st.rerun()


@st.cache_data(max_entries=100, show_spinner=False)
def _search(content_hash: str, _plan: Plan) -> SearchResult:
    return search_layouts(_plan, _SHOWN)


def _table(result: SearchResult, plan: Plan) -> pd.DataFrame:
    say, n_devices = text(), plan.cluster.n_devices
    device = accelerator(plan.cluster.accelerator)

    def column(name: str) -> list[int]:
        return [getattr(candidate.layout, name) for candidate in result.found]

    per_device = [candidate.tokens_per_s / n_devices for candidate in result.found]
    return pd.DataFrame(
        {
            say("table.layout"): [candidate.layout.short_name for candidate in result.found],
            say("table.tokens_per_device"): per_device,
            "MFU": [
                100 * mfu(plan.shape, candidate.layout, device, speed)
                for candidate, speed in zip(result.found, per_device, strict=True)
            ],
            say("table.step_s"): [candidate.step_s for candidate in result.found],
            say("table.memory_gb"): [
                candidate.memory_bytes / BYTES_PER_GB for candidate in result.found
            ],
            "TP": column("tensor_parallel"),
            "PP": column("pipeline_parallel"),
            "VP": column("virtual_stages"),
            "CP": column("context_parallel"),
            "EP": column("expert_parallel"),
            "DP": [candidate.layout.data_parallel(n_devices) for candidate in result.found],
            "ZeRO": column("zero_stage"),
            say("table.shard_group"): column("shard_group"),
            say("table.micro_batch"): column("micro_batch_sequences"),
            say("table.checkpointing"): [
                _checkpointing(candidate.layout) for candidate in result.found
            ],
            say("table.offload"): [
                say(f"option.offload.{candidate.layout.offload}") for candidate in result.found
            ],
        }
    )


def _checkpointing(layout: Layout) -> str:
    return text()(f"option.activation_checkpointing.{layout.activation_checkpointing}")
