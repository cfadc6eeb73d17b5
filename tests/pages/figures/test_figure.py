"""Figures as plain data: extents with stacks and bounds, layouts, and their data as CSV."""

from __future__ import annotations

import csv
import datetime
import io
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go
import pytest

from engine.text import catalog
from pages.parts.figures import ticks
from pages.parts.figures.data_file import figure_csv
from pages.parts.figures.figure import Figure


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "text", lambda: catalog("en"))


def rows_of(figure: Figure, language: str = "en") -> list[list[str]]:
    content = figure_csv(figure, catalog(language)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content)))


def test_stacked_bars_extend_to_their_sums_on_both_sides_of_zero() -> None:
    figure = Figure()
    figure.add_bar(x=["a", "b"], y=[3, 4])
    figure.add_bar(x=["a", "b"], y=[5, -6])
    assert figure.extent("y") == (-6, 5)
    figure.update_layout(barmode="relative")
    assert figure.extent("y") == (-6, 8)


def test_bounds_and_only_the_marks_of_an_axis_count() -> None:
    figure = Figure()
    figure.add_scatter(x=[1, 2], y=[10, 20], error_y={"array": [1, 2], "arrayminus": [9, 1]})
    figure.add_scatter(x=[1, 2], y=[900, 900], yaxis="y2")
    assert figure.extent("y") == (1, 22)
    assert figure.extent("y2") == (900, 900)


def test_values_are_as_json_has_them_and_the_layout_is_merged() -> None:
    figure = Figure("About it.")
    figure.add_scatter(
        x=[datetime.date(2027, 1, 1)], y=np.array([1.5]), customdata=[[Decimal("2.5")]]
    )
    figure.update_xaxes(title="month")
    figure.update_xaxes(tickformat="%Y")
    figure.update_yaxes("y2", title={"font": {"size": 12}})
    figure.update_yaxes("y2", title="share")
    assert figure.data[0]["x"] == ["2027-01-01"]
    assert figure.data[0]["y"] == [1.5]
    assert figure.data[0]["customdata"] == [[2.5]]
    assert figure.layout["xaxis"] == {"title": {"text": "month"}, "tickformat": "%Y"}
    assert figure.layout["yaxis2"]["title"] == {"text": "share", "font": {"size": 12}}


def test_lines_and_areas_are_those_of_plotly() -> None:
    ours, theirs = Figure(), go.Figure()
    ours.add_vline(2, line={"width": 1})
    ours.add_hline(3, line={"width": 2}, axis="y")
    theirs.add_vline(x=2, line={"width": 1})
    theirs.add_hline(y=3, line={"width": 2})
    for mine, reference in zip(
        ours.content()["layout"]["shapes"], theirs.layout.shapes, strict=True
    ):
        for name in ("x0", "x1", "y0", "y1", "line"):
            expected = reference[name]
            assert mine[name] == (expected.to_plotly_json() if name == "line" else expected)


def test_a_scaled_axis_has_texts_for_its_ticks() -> None:
    figure = Figure()
    figure.add_scatter(x=[1, 2], y=[-40_000.0, 90_000.0])
    figure.scale("y", "money")
    axis = figure.content()["layout"]["yaxis"]
    assert axis["ticktext"] == ["-$50K", "-$25K", "$0", "$25K", "$50K", "$75K", "$100K"]
    assert axis["fixedrange"] is True


def test_series_over_the_same_places_share_rows() -> None:
    figure = Figure()
    for name, values in (("with", [1.0, 2.0]), ("without", [0.5, None])):
        figure.add_scatter(x=["2027-01", "2027-02"], y=values, name="band", meta=name)
    figure.update_xaxes(title="month")
    figure.update_yaxes(title="cash (USD)")
    assert rows_of(figure) == [
        ["month", "with: cash (USD)", "without: cash (USD)"],
        ["2027-01", "1.0", "0.5"],
        ["2027-02", "2.0", ""],
    ]


def test_other_points_have_a_row_each_with_bounds_and_plain_labels() -> None:
    figure = Figure()
    figure.add_scatter(
        x=[2.0], y=[5.0], name="A & B", hovertext=["<b>H100</b><br>x"],
        error_y={"array": [1.0], "arrayminus": [2.0]},
    )  # fmt: skip
    figure.add_scatter(x=[3.0, 4.0], y=[6.0, 7.0], name="line")
    figure.update_xaxes(title="h")
    figure.update_yaxes(title="USD")
    assert rows_of(figure) == [
        ["series", "label", "h", "USD", "low", "high"],
        ["A & B", "H100  x", "2.0", "5.0", "3.0", "6.0"],
        ["line", "", "3.0", "6.0", "", ""],
        ["line", "", "4.0", "7.0", "", ""],
    ]
    assert rows_of(figure, "zh_Hans")[0][:2] == ["系列", "标签"]


def test_a_heat_map_is_a_table() -> None:
    figure = Figure()
    figure.add_heatmap(x=[0, 1], y=[0, 1], z=[[1.0, 0.0], [0.25, 0.75]])
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(ticktext=["the", "cat"])
    assert rows_of(figure) == [["", "the", "cat"], ["the", "1.0", "0.0"], ["cat", "0.25", "0.75"]]
