"""The open scenario as a file, and a file as the draft."""

from __future__ import annotations

import streamlit as st

from pages.parts.session import ScenarioSession, text


def draw_files(session: ScenarioSession) -> None:
    """Draw the menu that downloads the draft as TOML and opens a TOML file."""
    say = text()
    with st.popover(say("frame.files"), icon=":material/swap_vert:", type="tertiary"):
        st.download_button(
            say("frame.download"),
            session.draft.to_toml,  # written only when the user clicks
            f"{session.stored.id}.toml",
            key="download",
            icon=":material/download:",
            on_click="ignore",
        )
        uploaded = st.file_uploader(
            say("frame.upload"),
            type=["toml"],
            key=f"upload#{session.revision}",
            help=say("frame.upload_help"),
        )
        if uploaded is not None:
            session.import_toml(uploaded.getvalue(), uploaded.name)
            st.rerun()
