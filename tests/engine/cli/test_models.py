"""The commands about trained models, with a process that answers at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import models
from engine.cli.terminal import new_app, run
from engine.runs.evaluations import kept_evaluation
from engine.runs.folder import Run
from tests.engine.runs.faked import faked_run
from tests.pages.test_models import FakeModelProcess


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(models, "ModelProcess", FakeModelProcess)
    made = faked_run([6.0, 5.5])
    made.model_dir.mkdir()
    (made.model_dir / "config.json").write_text("{}")
    return made


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs one command and returns (exit status, stdout, stderr)."""
    app = new_app("models")
    models.add_to(app)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["engine", *words])
        with pytest.raises(SystemExit) as ended:
            run(app)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def test_generate_repeats_the_prompt_and_goes_on(finished: Run, command) -> None:
    words = ("generate", finished.id, "--prompt", "Once", "--temperature", "0.5")
    assert command(*words) == (0, "Once by model at 0.5\n", "")


@pytest.mark.parametrize(
    ("option", "value", "parts"),
    [
        ("--top-p", "0", ("top_p", "0", "above 0")),
        ("--top-p", "1.5", ("top_p", "1.5", "at most 1")),
        ("--top-k", "-1", ("top_k", "-1", "at least 0")),
        ("--temperature", "nan", ("temperature", "nan", "finite")),
        ("--tokens", "0", ("tokens", "0", "at least 1")),
        ("--checkpoint", "step-7", ("checkpoint", "step-7", "one of final")),
    ],
)
def test_a_bad_option_is_one_line(
    finished: Run, command, option: str, value: str, parts: tuple[str, ...]
) -> None:
    status, out, complaint = command("generate", finished.id, option, value)
    assert (status, out) == (2, "")
    assert complaint.count("\n") == 1
    assert all(part in complaint for part in parts)


def test_a_run_that_is_none(finished: Run, command) -> None:
    status, _, complaint = command("evaluate", "nothing")
    assert status == 2
    assert "run: nothing" in complaint


def test_evaluate_prints_a_table_and_keeps_it(finished: Run, command) -> None:
    status, out, _ = command("evaluate", finished.id, "--questions", "7")
    assert status == 0
    for part in (
        "Held-out loss",
        "Which of four passages continues the text",
        "53.0% – 67.0%",
        "25.0%",
    ):
        assert part in out
    found = kept_evaluation(finished)
    assert found is not None
    assert found.asked.questions == 7


def test_evaluate_for_programs(finished: Run, command) -> None:
    status, out, _ = command("evaluate", finished.id, "--json")
    assert status == 0
    assert json.loads(out)["probes"][0]["accuracy"] == 0.6


def test_export_copies_to_a_new_folder_only(finished: Run, command, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert command("export", finished.id, str(target))[0] == 0
    assert (target / "config.json").read_text() == "{}"
    status, _, complaint = command("export", finished.id, str(target))
    assert status == 2
    assert "must not exist yet" in complaint
