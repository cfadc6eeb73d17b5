"""Tables as HTML: text is escaped, and trend lines follow their values."""

from urllib.parse import unquote

from pages.parts.html_tables import TableRow, table_text, trend_line


def test_names_and_cells_are_escaped() -> None:
    row = TableRow(head="<b>Ann & Bo</b>", cells=["1 < 2"], note="x > y")
    text = table_text('a "table"', ["<i>"], [row])
    assert "&lt;b&gt;Ann &amp; Bo&lt;/b&gt;" in text
    assert "1 &lt; 2" in text
    assert "x &gt; y" in text
    assert "&lt;i&gt;" in text
    assert 'aria-label="a &quot;table&quot;"' in text


def test_a_row_that_opens_has_a_named_switch_and_its_accounts() -> None:
    row = TableRow(head="Sales", cells=["3"], inside=[TableRow(head="API", cells=["1"])])
    closed = table_text("t", ["USD", "2027"], [row])
    assert '<input type="checkbox" aria-label="Sales">' in closed
    assert '<tbody class="account"><tr><th scope="row">API</th><td>1</td></tr></tbody>' in closed
    assert "checked" in table_text("t", ["USD", "2027"], [row], is_open=True)


def test_a_trend_line_goes_up_with_its_values_and_has_gaps() -> None:
    line = unquote(trend_line([0.0, 1.0, None, 0.5]))
    assert 'd="M0.0 18.0L28.0 2.0M84.0 10.0"' in line
    assert trend_line([1.0, None]) == ""
