"""The cap table from and to elsewhere: the Open Cap Table Format, CSV."""

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


def draw_exchange(seen: Funding) -> None:
    say, session = text(), scenario_session()
    st.subheader(say("funding.exchange.heading"))
    left, right = st.columns(2, gap="large")
    with left:
        st.download_button(
            say("funding.exchange.csv"),
            lambda: captable_csv(seen.steps),  # made when it is asked for
            f"{session.stored.id}-cap-table.csv",
            "text/csv",
            key="download_captable",
            icon=":material/download:",
            on_click="ignore",
        )
        _export(seen)
    with right:
        uploaded = st.file_uploader(
            say("funding.exchange.upload"),
            type=["zip"],
            key=f"ocf#{session.revision}",
            help=say("funding.exchange.upload_help"),
        )
        if uploaded is not None:
            _take(seen, uploaded.getvalue())
            st.rerun()


def _export(seen: Funding) -> None:
    say = text()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        country = st.text_input(
            say("funding.exchange.country"), "US", max_chars=2, key="ocf_country", width=160,
            help=say("funding.exchange.country_help"),
        )  # fmt: skip
        facts = {
            "legal_name": draft().company.name,
            "formation_date": seen.capital.opening.date,
            "country": country,
        }
        try:
            issuer = Issuer.parse(facts)
        except InputError as error:
            st.caption(error.in_language(say.language))
            return
        files = ocf_files(seen.today, issuer, datetime.datetime.now(datetime.UTC))
        st.download_button(
            say("funding.exchange.ocf", date=seen.today.date),
            ocf_zip(files),
            f"{scenario_session().stored.id}-ocf.zip",
            "application/zip",
            key="download_ocf",
            icon=":material/download:",
            on_click="ignore",
        )


def _take(seen: Funding, raw: bytes) -> None:
    """Begin with the package's cap table; refused as a whole if something is not allowed."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ocf.zip"
            path.write_bytes(raw)
            table = read_ocf(path)
    except InputError as error:
        scenario_session().refuse(error)
    else:
        scenario_session().change(from_table(draft().company, seen.capital, table))
