"""The undocumented parts of Streamlit that the app uses still work as the app expects."""

import ast
import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from engine.paths import PROJECT_DIR
from pages.parts.page_list import PAGES
from pages.parts.streamlit_private import BG_COLOR, GRAY_90, Container, page_runs_without_app

ALLOWED = PROJECT_DIR / "pages" / "parts" / "streamlit_private.py"
SOURCES = [PROJECT_DIR / "app.py", *(PROJECT_DIR / "pages").rglob("*.py")]


def test_containers_have_the_named_type() -> None:
    assert isinstance(st.container(), Container)
    assert all(isinstance(column, Container) for column in st.columns(2))
    assert isinstance(st.empty(), Container)


def test_the_browser_replaces_theme_colours_in_figures() -> None:
    (script,) = (Path(st.__file__).parent / "static/static/js").glob("PlotlyChart*.js")
    code = script.read_text("utf-8")
    for color, theme in ((BG_COLOR, "bgColor"), (GRAY_90, "")):
        (name,) = re.findall(rf"(\w+)=`{color}`", code)
        assert re.search(rf"replaceAll\({name},[^)]*{theme}", code)


def test_a_new_server_takes_pages_for_an_app_without_navigation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)
    PagesManager(str(PROJECT_DIR / "app.py"))
    assert page_runs_without_app()


def test_navigation_ends_that() -> None:
    AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=20).run()
    assert not page_runs_without_app()


def test_a_page_that_runs_by_itself_gets_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr("pages.parts.frame.page_runs_without_app", lambda: True)
    monkeypatch.setattr("pages.parts.frame.runpy.run_path", started.append)
    from pages.parts.frame import run_in_frame

    run_in_frame(lambda: pytest.fail("the page was drawn without its frame"))
    assert started == [str(PROJECT_DIR / "app.py")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_no_other_module_uses_private_parts(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamlit"):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.startswith("streamlit.")]
        elif (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and isinstance(node.value, ast.Name)
            and node.value.id == "st"
        ):
            found.append(f"st.{node.attr}")
    assert path == ALLOWED or not found


def test_every_page_runs_in_the_frame() -> None:
    for page in PAGES:
        assert "run_in_frame(page)" in (PROJECT_DIR / page.script).read_text("utf-8")
