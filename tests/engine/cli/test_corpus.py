"""``python -m engine corpus`` as a user sees it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.paths import PROJECT_DIR


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(4):
        words = " ".join(f"{number}word{(number * i * i) % 97} and so" for i in range(300))
        (folder / f"{number}.txt").write_text(words, "utf-8")
    (folder / "again.txt").write_text((folder / "2.txt").read_text("utf-8"), "utf-8")
    return folder


def command(*arguments: object, language: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", "corpus", *map(str, arguments)],
        cwd=PROJECT_DIR,
        env=os.environ | {"FLOPLEDGER_LANG": language},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_report_is_a_table_in_both_languages(texts: Path) -> None:
    english, chinese = (
        command(texts, "--vocab", 300, language=language) for language in ("en", "zh_Hans")
    )
    assert english.returncode == chinese.returncode == 0, english.stderr
    assert "exact duplicate: again.txt = 2.txt" in english.stdout
    assert "完全重复：again.txt = 2.txt" in chinese.stdout
    for said in (english.stdout, chinese.stdout):
        assert "300" in said
        assert "corpora" in said


def test_programs_get_json(texts: Path) -> None:
    answer = json.loads(command(texts, "--vocab", 300, "--json").stdout)
    assert Path(answer["folder"], "train.bin").is_file()
    assert answer["report"]["n_documents"] == 4
    assert answer["report"]["dropped"][0]["examples"] == ["again.txt = 2.txt"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["/nowhere"], "corpus.source: /nowhere"),
        (["--vocab", 5_000], "vocab: 5000 is not allowed: must be at most"),
        (["--held-out-share", 2], "corpus.held_out_share"),
        (["--near-duplicate-similarity", 0.2], "corpus.near_duplicate_similarity"),
    ],
)
def test_bad_input_is_one_line(texts: Path, arguments: list[object], part: str) -> None:
    given = arguments if arguments[0] == "/nowhere" else [texts, *arguments]
    answer = command(*given)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert part in answer.stderr.splitlines()[-1]  # the lines before it show the progress
    assert "Traceback" not in answer.stderr
