"""Tests of the row of figures, the answer above it, and the strip that repeats it."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.look import style_sheet
from pages.parts.tiles import _sparkline


def _draw(n: int) -> None:
    import streamlit as st

    from pages.parts.tiles import Tile, reserve_strip, show_answer, tiles

    st.session_state["language"] = "en"
    reserve_strip()
    show_answer("$1 & <b>$2</b> *now*")
    tiles(
        [Tile(label=f"A{i}", value=f"<{i}>", trend=[1, 2, 3] if i == 0 else ()) for i in range(n)]
    )
    tiles([Tile(label="B", value="b")], key="_more")


def _html(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html")]


@pytest.mark.parametrize(("n", "across"), [(1, 1), (3, 3), (4, 4), (5, 3), (6, 3), (7, 4), (8, 4)])
def test_at_most_four_tiles_are_side_by_side(n: int, across: int) -> None:
    app = AppTest.from_function(_draw, kwargs={"n": n}, default_timeout=20).run()
    assert not app.exception
    assert [metric.value for metric in app.metric] == [*(f"<{i}>" for i in range(n)), "b"]
    assert f"tiles{across}" in _container_keys(app)


def _container_keys(app: AppTest) -> set[str]:
    keys: set[str] = set()

    def collect(block: object) -> None:
        proto = getattr(block, "proto", None)
        keys.update(re.findall(r'id: "[^"]*?-([a-z_0-9]+)"', str(proto)))
        for child in getattr(block, "children", {}).values():
            collect(child)

    collect(app._tree)
    return keys


def test_the_strip_shows_the_main_row_only() -> None:
    app = AppTest.from_function(_draw, kwargs={"n": 2}, default_timeout=20).run()
    (strip,) = [body for body in _html(app) if 'class="strip"' in body]
    assert strip.count("<span>") == 2
    assert "A1<b>&lt;1&gt;</b>" in strip
    assert 'aria-hidden="true"' in strip


def test_an_answer_is_shown_as_it_is() -> None:
    app = AppTest.from_function(_draw, kwargs={"n": 1}, default_timeout=20).run()
    assert '<p class="answer">$1 &amp; &lt;b&gt;$2&lt;/b&gt; *now*</p>' in _html(app)


def test_a_sparkline_spans_its_box_and_marks_zero() -> None:
    svg = ElementTree.fromstring(_sparkline([-1.0, 0.0, 3.0]))
    namespace = {"svg": "http://www.w3.org/2000/svg"}
    polyline, zero = svg.find("svg:polyline", namespace), svg.find("svg:path", namespace)
    assert polyline is not None
    # 4 units of value over 24 units of height, from 26 at the bottom.
    assert polyline.get("points") == "0.0,26.0 100.0,20.0 200.0,2.0"
    assert zero is not None
    assert zero.get("d") == "M0 20.0H200"
    assert ElementTree.fromstring(_sparkline([2, 2])).find("svg:path", namespace) is None


def test_the_style_sheet_holds_the_font() -> None:
    (font,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", style_sheet())
    assert base64.b64decode(font)[:4] == b"wOF2"
    assert "http" not in style_sheet()
