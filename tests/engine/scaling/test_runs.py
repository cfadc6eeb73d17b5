"""Tables of runs: what is read from them, and what is refused in one line that says where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.scaling import runs as runs_module
from engine.scaling.runs import TrainingRuns, read_runs, require_enough

PUBLISHED = DATA_DIR / "scaling"
PLAIN = "params,tokens,loss\n1e6,2e7,5.5\n2e6,4e7,4.5\n"


def read(text: str, **options) -> TrainingRuns:
    return read_runs(text.encode(), "t.csv", **options)


def test_a_plain_table() -> None:
    runs = read(PLAIN)
    assert runs.n_runs == len(runs) == 2
    assert runs.parameters.tolist() == [1e6, 2e6]
    assert runs.tokens.tolist() == [2e7, 4e7]
    assert runs.loss.tolist() == [5.5, 4.5]
    assert runs.flops.tolist() == [1.2e14, 4.8e14]
    assert runs.names == ("2", "3")
    assert runs.unique_tokens is None
    assert runs.annealed is None
    assert (runs.parameters_counted, runs.counting_stated) == ("total", False)


def test_a_full_table_in_any_order_with_blanks_a_byte_order_mark_and_other_columns() -> None:
    text = (
        "\ufeffloss, tokens,params,model_id,flops,unique_tokens,annealed,colour\r\n"
        "5.5, 2e7 ,1e6,small,1e15,1e7,True,red\r\n"
        "\r\n"
        '4.5,40_000_000,2e6,"a, large one",3e15,4e7,false,\r\n'
    )
    runs = read(text)
    assert runs.names == ("small", "a, large one")
    assert runs.tokens.tolist() == [2e7, 4e7]
    assert runs.flops.tolist() == [1e15, 3e15]
    assert runs.unique_tokens is not None
    assert runs.unique_tokens.tolist() == [1e7, 4e7]
    assert runs.annealed is False


def test_a_file_and_its_bytes_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(PLAIN, "utf-8")
    assert read_runs(path, "t.csv").flops.tolist() == read(PLAIN).flops.tolist()
    with pytest.raises(InputError, match="no such file"):
        read_runs(tmp_path / "none.csv", "none.csv")


TOTALS = "params,params_total,tokens,loss\n1e6,3e6,2e7,5.5\n2e6,5e6,4e7,4.5\n"


@pytest.mark.parametrize(
    ("text", "asked", "counted", "first"),
    [
        (PLAIN, None, "total", 1e6),
        (PLAIN, "non_embedding", "non_embedding", 1e6),
        (TOTALS, None, "non_embedding", 1e6),
        (TOTALS, "total", "total", 3e6),
        (TOTALS.replace("3e6", "1e6").replace("5e6", "2e6"), None, "total", 1e6),
        (TOTALS.replace("3e6", "").replace("5e6", ""), None, "total", 1e6),
    ],
)
def test_how_parameters_are_counted(text, asked, counted, first) -> None:
    runs = read(text, parameters_counted=asked)
    assert (runs.parameters_counted, runs.parameters[0]) == (counted, first)
    assert runs.flops[0] == 6 * first * 2e7


def test_the_column_says_how_parameters_are_counted_unless_the_caller_does() -> None:
    text = PLAIN.replace("loss\n", "loss,params_counted\n").replace(".5\n", ".5,non_embedding\n")
    assert read(text).parameters_counted == "non_embedding"
    assert read(text).counting_stated
    assert read(text, parameters_counted="total").parameters_counted == "total"
    with pytest.raises(InputError, match=r"must count parameters in the same way"):
        read(text.replace("4.5,non_embedding", "4.5,total"), parameters_counted="total")


def test_only_some_rows() -> None:
    text = "params,tokens,loss,split\n1e6,2e7,5,a\n1e6,2e7,9,b\n2e6,4e7,4,a\n"
    assert read(text, only={"split": "a"}).loss.tolist() == [5, 4]
    with pytest.raises(InputError, match="at least one row"):
        read(text, only={"split": "c"})


def table(rows: str, columns: str = "params,tokens,loss") -> str:
    return f"{columns}\n1e6,2e7,5.5{',' * (columns.count(',') - 2)}\n{rows}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("params,tokens\n1,2\n", r"t\.csv: params,tokens is .* loss$"),
        ("a;b\n1;2\n", r"t\.csv: a;b is .* params, tokens, loss$"),
        ("", r"t\.csv: \"\" is .* params, tokens, loss$"),
        ("params,tokens,loss\n", r"t\.csv: 0 cannot .* at least one row"),
        ("params,tokens,loss,loss\n1,2,3,4\n", r"t\.csv:1: loss is .* twice"),
        (table("2e6,many,4.5"), r"t\.csv:3\.tokens: many is .* number"),
        (table('2e6,"40,000",4.5'), r"t\.csv:3\.tokens: 40,000 is .* number"),
        (table("2e6,40,000,4.5"), r"t\.csv:3: 4 is .* as the header: 3"),
        (table("2e6,4e7"), r"t\.csv:3: 2 is .* as the header: 3"),
        (table("2e6, ,4.5"), r"t\.csv:3\.tokens: no value is .* required"),
        (table("0,4e7,4.5"), r"t\.csv:3\.params: 0 is .* above 0"),
        (table("2e6,-4e7,4.5"), r"t\.csv:3\.tokens: -4e7 is .* above 0"),
        (table("2e6,4e7,0.0"), r"t\.csv:3\.loss: 0\.0 is .* above 0"),
        (table("2e6,4e7,nan"), r"t\.csv:3\.loss: nan is .* finite"),
        (table("2e6,inf,4.5"), r"t\.csv:3\.tokens: inf is .* finite"),
        (table("\n2e6,1e999,4.5"), r"t\.csv:4\.tokens: 1e999 is .* finite"),
        (table("1e6,2e7,5.4"), r"t\.csv\.params: 1000000\.0 is .* one repeated point"),
        (table("2e6,2e7,5.4"), r"t\.csv\.tokens: 20000000\.0 is .* at least two different values"),
        (
            table("2e6,4e7,4.5,5e7", "params,tokens,loss,unique_tokens").replace("5.5,", "5.5,1e7"),
            r"t\.csv:3\.unique_tokens: 50000000\.0 is .* at most 4e\+07",
        ),
        (
            table("2e6,4e7,4.5,1e6", "params,tokens,loss,params_total").replace("5.5,", "5.5,1e6"),
            r"t\.csv:3\.params_total: 1000000\.0 is .* at least 2e\+06",
        ),
        (
            table("2e6,4e7,4.5,1e15", "params,tokens,loss,flops"),
            r"t\.csv:2\.flops: no value is .* every row or in no row",
        ),
        (
            table("2e6,4e7,4.5,total", "params,tokens,loss,params_counted"),
            r"t\.csv:2\.params_counted: no value is .* every row or in no row",
        ),
        (
            "params,tokens,loss,params_counted\n1,2,3,total\n2,3,3,total\n3,4,2,non_embedding\n",
            r"t\.csv:4\.params_counted: non_embedding is .* total; .* must count parameters in the",
        ),
        (
            "params,tokens,loss,params_counted\n1,2,3,total\n2,3,3,all\n",
            r"t\.csv:3\.params_counted: all is .* total \| non_embedding",
        ),
        (
            "params,tokens,loss,annealed\n1,2,3,true\n2,3,3,half\n",
            r"t\.csv:3\.annealed: half is .* true or false",
        ),
        (table("2e6,4e7," + "4" * 200_000), r"t\.csv:3: field larger than .* CSV table"),
    ],
)
def test_what_is_refused_says_where(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        read(text)
    for language in ("en", "zh_Hans"):
        assert "\n" not in refused.value.in_language(language)


def test_not_utf8() -> None:
    with pytest.raises(InputError, match=r"t\.csv: byte 19 cannot .* UTF-8"):
        read_runs(b"params,tokens,loss\n\xff,2,3\n", "t.csv")


def test_large_tables_are_refused_unread(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(60_000_000)  # what ten million rows take at the least
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(InputError, match=r"60000000 bytes cannot .* at most 50000000"):
        read_runs(path, "t.csv")


def test_a_million_rows_and_no_more(monkeypatch) -> None:
    monkeypatch.setattr(runs_module, "MAX_ROWS", 3)
    three = "params,tokens,loss\n1,2,3\n2,3,3\n3,4,2"
    assert len(read(three)) == len(read(three + "\n")) == 3
    with pytest.raises(InputError, match=r"t\.csv: 4 is .* at most 3 entries"):
        read(three + "\n4,5,1\n")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text('0123456789.e-+naif, "\r\n\0é', max_size=8), max_size=4)))
def test_any_table_is_read_or_refused_in_one_line(rows: list[list[str]]) -> None:
    text = "params,tokens,loss\n" + "\n".join(",".join(row) for row in rows)
    refusal, runs = "", None
    try:
        runs = read(text)
    except InputError as error:
        refusal = str(error)
    assert "\n" not in refusal
    for values in (runs.parameters, runs.tokens, runs.loss) if runs else ():
        assert values.shape == (len(runs),)
        assert (np.isfinite(values) & (values > 0)).all()


def test_a_subset_keeps_what_belongs_together() -> None:
    columns = "params,tokens,loss,model_id,unique_tokens,annealed\n"
    runs = read(columns + "1,2,3,a,1,true\n2,3,3,b,2,true\n3,4,2,c,3,true\n")
    kept = runs.subset(runs.tokens > 2)
    assert kept.names == ("b", "c")
    assert kept.unique_tokens is not None
    assert kept.unique_tokens.tolist() == [2, 3]
    assert kept.flops.tolist() == [36, 72]
    assert kept.annealed is True
    with pytest.raises(ValueError, match="shorter"):
        runs.subset([True])


def test_a_fit_needs_as_many_points_as_coefficients() -> None:
    """Repeats of a point do not count."""
    rows = ["1,2,3", "2,3,3", "3,4,2", "4,5,2", "5,6,2", "5,6,1.9"]
    runs = read("params,tokens,loss\n" + "\n".join(rows))
    assert runs.n_points == 5
    require_enough(runs, 5)
    with pytest.raises(InputError, match=r"runs: 5 cannot .* at least 6 different points"):
        require_enough(runs, 6)
    with pytest.raises(InputError, match=r"runs: 0 cannot .* at least 1 point"):
        require_enough(runs.subset(runs.parameters > 5), 1)
    with pytest.raises(InputError, match=r"mine\.params: 5\.0 is .* two different values"):
        require_enough(runs.subset(runs.parameters == 5), 1, "mine")


@pytest.mark.parametrize(
    ("name", "n_runs", "counted"),
    [
        ("datablations", 182, "total"),
        ("gadre_c4", 272, "non_embedding"),
        ("gemstones_hot", 220, "non_embedding"),
    ],
)
def test_tables_of_others_as_they_are(name: str, n_runs: int, counted: str) -> None:
    """Their FLOPs are 6·N·D with all parameters."""
    path = PUBLISHED / f"{name}.csv"
    runs = read_runs(path, path.name)
    assert (runs.n_runs, runs.parameters_counted) == (n_runs, counted)
    total = read_runs(path, path.name, "total")
    assert np.median(total.flops / (6 * total.parameters * total.tokens)) == pytest.approx(
        1, rel=0.1
    )
