"""Export a model: as an archive, by a command, or in a line of Python."""

from __future__ import annotations

import tempfile
from typing import BinaryIO

import streamlit as st

from engine import quantities
from engine.runs.exported_models import FINAL, size_bytes, write_archive
from pages.parts.model.process import Export
from pages.parts.session import text

MAX_DOWNLOAD_BYTES = 500e6
"""Greatest size of a download, which Streamlit keeps in memory; the command copies larger ones."""


def export_section(export: Export) -> None:
    """Draw the ways to export the model."""
    say = text()
    st.markdown(say("model.export_note"))
    name = export.run.id if export.which == FINAL else f"{export.run.id}-{export.which}"
    size = size_bytes(export.folder)
    shown = quantities.si(size, "B", say.language)

    def archive() -> BinaryIO:
        target: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - Streamlit reads it
        write_archive(export.folder, name, target)
        target.seek(0)
        return target

    if size <= MAX_DOWNLOAD_BYTES:
        st.download_button(
            say("model.download", size=shown),
            archive,
            f"{name}.zip",
            "application/zip",
            type="primary",
            key="download_model",
            icon=":material/download:",
            on_click="ignore",
        )
    else:
        st.info(say("model.too_large", size=shown), icon=":material/info:")
    st.caption(say("model.by_command"))
    checkpoint = "" if export.which == FINAL else f" --checkpoint {export.which}"
    st.code(f"python -m engine export {export.run.id} my-model{checkpoint}", language="bash")
    st.caption(say("model.in_python"))
    kind = "AutoModelForMaskedLM" if export.is_masked else "AutoModelForCausalLM"
    st.code(
        f"from transformers import {kind}, AutoTokenizer\n"
        f'model = {kind}.from_pretrained("my-model")\n'
        'tokenizer = AutoTokenizer.from_pretrained("my-model")',
        language="python",
    )
    st.caption(say("model.where", folder=export.folder))
