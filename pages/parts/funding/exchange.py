"""Export and import of the cap table: Open Cap Table Format and CSV."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

import streamlit as st

from engine.documents import InputError
from finance.capital.ocf.exporting import Issuer, ocf_files, ocf_zip
from finance.capital.ocf.importing import read_ocf
from finance.funding.captable_report import captable_csv
from finance.funding.rounds import Funding, from_table
from pages.parts.session import draft, scenario_session, text


def draw_exchange(plan: Funding) -> None:
    """Draw the section of downloads and of the upload."""
    say, session = text(), scenario_session()
    left, right = st.columns(2, gap="large")
    with left:
        st.download_button(
            say("funding.exchange.csv"),
            lambda: captable_csv(plan.steps),  # computed at the download
            f"{session.stored.id}-cap-table.csv",
            "text/csv",
            key="download_captable",
            icon=":material/download:",
            on_click="ignore",
        )
        _export(plan)
    with right:
        uploaded = st.file_uploader(
            say("funding.exchange.upload"),
            type=["zip"],
            key=f"ocf#{session.revision}",
            help=say("funding.exchange.upload_help"),
        )
        if uploaded is not None:
            _take(plan, uploaded.getvalue())
            st.rerun()


def _export(plan: Funding) -> None:
    say = text()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        country = st.text_input(
            say("funding.exchange.country"), "US", max_chars=2, key="ocf_country", width=160,
            help=say("funding.exchange.country_help"),
        )  # fmt: skip
        facts = {
            "legal_name": draft().company.name,
            "formation_date": plan.capital.opening.date,
            "country": country,
        }
        try:
            issuer = Issuer.parse(facts)
        except InputError as error:
            st.caption(error.in_language(say.language))
            return
        files = ocf_files(plan.today, issuer, datetime.datetime.now(datetime.UTC))
        st.download_button(
            say("funding.exchange.ocf", date=plan.today.date),
            lambda: ocf_zip(files),
            f"{scenario_session().stored.id}-ocf.zip",
            "application/zip",
            key="download_ocf",
            icon=":material/download:",
            on_click="ignore",
        )


def _take(plan: Funding, raw: bytes) -> None:
    """Replace the opening cap table with that of the package, all of it or nothing."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ocf.zip"
            path.write_bytes(raw)
            table = read_ocf(path)
    except InputError as error:
        scenario_session().refuse(error)
    else:
        scenario_session().change(from_table(draft().company, plan.capital, table))
