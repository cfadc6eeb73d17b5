"""Cleaning removes control characters and blanks, and no readable text."""

import pytest

from engine.training.corpus.cleaning import clean


@pytest.mark.parametrize(
    ("raw", "text", "changes"),
    [
        ("as it is\n\n\tnext", "as it is\n\n\tnext", ()),
        ("e\u0301", "é", ("unicode",)),
        ("a\x00b\x07c\x7fd", "abcd", ("control",)),
        ("猫\u200b坐\ufeff在\x85垫", "猫坐在垫", ("control",)),
        ("line\r\nline\rline", "line\nline\nline", ("control",)),
        ("half \ud800 é", "half é", ("control", "blanks")),
        ("a   b", "a b", ("blanks",)),
        ("  \n a", "a", ("blanks",)),
        ("if x:\n    y", "if x:\n    y", ()),
        ("a  \n\n\n\nb   \n", "a\n\nb", ("blanks",)),
        ("段\n\u3000\u3000落\u3000\u3000完", "段\n\u3000\u3000落\u3000完", ("blanks",)),
        ("👩\u200d👧 می\u200cخواهم", "👩\u200d👧 می\u200cخواهم", ()),
    ],
)
def test_cleaning(raw: str, text: str, changes: tuple[str, ...]) -> None:
    cleaned = clean(raw)
    assert (cleaned.text, cleaned.changes) == (text, changes)
    assert clean(text) == type(cleaned)(text, ())


def test_long_runs_take_no_time_of_their_own() -> None:
    raw = "a" + " " * 2_000_000 + "b" + "\n" * 2_000_000 + " " * 2_000_000 + "c\t" * 500_000
    assert clean(raw).text == "a b\n\n" + " " * 32 + ("c\t" * 500_000).strip()
