"""The index is a cache: summaries always match the folders, even if the index is damaged."""

import multiprocessing
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.paths import runs_dir
from engine.runs.folder import Phase, Run
from engine.runs.launching.reconcile import reconcile_all, reconcile_run
from engine.runs.observing import index
from engine.runs.observing.index import summaries, summary_of
from engine.runs.observing.progress import Progress
from engine.runs.observing.summary import Summary
from tests.engine.runs.faked import faked_run, report_step


@pytest.fixture
def finished() -> list[Run]:
    """A run for each way to end, all old enough for the index to trust their time stamps."""
    runs = [
        faked_run([3.0, 2.5], held_out={1: 2.9}),
        faked_run([3.0], phase=Phase.FAILED),
        faked_run([3.0, 2.0, 1.0], held_out={2: 2.1}, phase=Phase.CANCELLED),
    ]
    age(*runs)
    return runs


def age(*runs: Run, by_s: int = 60) -> None:
    """Set the time stamps of the runs' files to ``by_s`` seconds ago."""
    then_ns = time.time_ns() - by_s * 10**9
    for run in runs:
        for path in [*run.folder.iterdir(), run.folder]:
            os.utime(path, ns=(then_ns, then_ns))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs whose folders were read."""
    found: list[str] = []

    def counted(run: Run, *arguments: object) -> Summary:
        found.append(run.id)
        return summarise(run, *arguments)

    summarise: Callable[..., Summary] = index.summarise
    monkeypatch.setattr(index, "summarise", counted)
    return found


def index_file() -> Path:
    return runs_dir() / "index.sqlite"


def test_a_summary_says_what_the_folder_says(finished: list[Run]) -> None:
    seen = {summary.run_id: summary for summary in summaries()}
    assert list(seen) == sorted((run.id for run in finished), reverse=True)
    for run in finished:
        summary, progress, state = seen[run.id], Progress(run).update(), run.state
        assert (summary.phase, summary.ended_at) == (state.phase, state.ended_at)
        assert (summary.steps_done, summary.steps) == (progress.steps_done, run.recipe.steps)
        assert summary.cost_usd == progress.cost_usd
        assert summary.held_out_loss == progress.held_out_loss
        assert summary.name == run.recipe.name
        assert summary == summary_of(run)


def test_finished_runs_are_read_once(finished: list[Run], reads: list[str]) -> None:
    first = summaries()
    assert sorted(reads) == sorted(run.id for run in finished)
    reads.clear()
    assert summaries() == first
    assert reads == []


def test_what_is_fresh_is_not_trusted_yet(reads: list[str]) -> None:
    run = faked_run([3.0])
    age(run, by_s=-3_600)  # fresh for as long as the test may take
    summaries()
    summaries()
    assert reads == [run.id, run.id]
    age(run)
    summaries()
    summaries()
    assert reads == [run.id] * 3


@pytest.mark.parametrize("name", ["state.json", "about.json", "recipe.toml", "job.json"])
def test_an_edit_in_place_is_seen(finished: list[Run], reads: list[str], name: str) -> None:
    run = finished[0]
    path = run.folder / name
    if not path.exists():
        path.write_text("{}")
        age(run)
    summaries()
    reads.clear()
    text = path.read_text()
    with path.open("r+") as file:  # an edit that keeps the inode does not change the folder
        file.write(text)
    summaries()
    assert reads == [run.id]


def test_a_live_run_is_read_at_each_look_but_its_metrics_only_once(
    finished: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    parse = index.read_totals.__globals__["StepMetrics"].parse

    def counted(line: dict[str, int], where: str) -> object:
        parsed.append(line["step"])
        return parse(line, where)

    run = faked_run([3.0, 2.9], phase=Phase.TRAINING)

    def seen() -> Summary:
        return next(summary for summary in summaries() if summary.run_id == run.id)

    with run.locked():  # as its supervisor does
        summaries()
        monkeypatch.setattr(index.read_totals.__globals__["StepMetrics"], "parse", counted)
        report_step(run, 3, 2.8, 0.01, 2.85)
        summary = seen()
        assert (summary.steps_done, summary.held_out_loss) == (3, 2.85)
        assert summary.cost_usd == pytest.approx(Progress(run).update().cost_usd)
        assert parsed[:1] == [3]
        # Training goes back to a checkpoint: later steps are removed and taken again.
        lines = (run.folder / "metrics.jsonl").read_text().splitlines(keepends=True)
        (run.folder / "metrics.jsonl").write_text(lines[0])
        for step in (2, 3, 4):
            report_step(run, step, 2.7, 0.02)
        summary = seen()
        assert (summary.steps_done, summary.held_out_loss) == (4, None)
        assert summary.cost_usd == pytest.approx(Progress(run).update().cost_usd)
    assert seen().phase is Phase.TRAINING  # reading changes no state …
    reconcile_all()
    assert seen().phase is Phase.FAILED  # … and no process holds the run's lock


def flip_a_byte(path: Path, seed: int) -> None:
    content = bytearray(path.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 0xFF
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"no database at all" * 1_000),
    "another table": lambda path: (path.unlink(), sqlite3.connect(path).execute(
        "CREATE TABLE summaries (run_id TEXT PRIMARY KEY)")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    **{f"byte {seed}": lambda path, seed=seed: flip_a_byte(path, seed) for seed in range(40)},
}  # fmt: skip


def test_the_index_is_rebuilt_from_the_folders(finished: list[Run], reads: list[str]) -> None:
    truth = summaries()
    for name, damage in DAMAGES.items():
        damage(index_file())
        assert summaries() == truth, name
        assert summaries() == truth, name
        if index_file().is_dir():
            index_file().rmdir()
            summaries()
    reads.clear()
    index_file().unlink()
    summaries()
    assert sorted(reads) == sorted(run.id for run in finished)


def test_what_an_older_version_kept_is_read_again(
    finished: list[Run], reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = summaries()
    monkeypatch.setattr(index, "_FORM", "another")
    reads.clear()
    assert summaries() == truth
    assert len(reads) == len(finished)


BREAKS: dict[str, Callable[[Run], object]] = {
    "half a state": lambda run: (run.folder / "state.json").write_text('{"phase": "trai'),
    "another phase": lambda run: (run.folder / "state.json").write_text(
        (run.folder / "state.json").read_text().replace("succeeded", "conquered")
    ),
    "no state": lambda run: (run.folder / "state.json").unlink(),
    "a list": lambda run: (run.folder / "state.json").write_text("[]"),
    "deep": lambda run: (run.folder / "state.json").write_text("[" * 100_000),
    "no text": lambda run: (run.folder / "state.json").write_bytes(b"\xff\xfe\x00"),
    "no recipe": lambda run: (run.folder / "recipe.toml").unlink(),
    "half a recipe": lambda run: (run.folder / "recipe.toml").write_text("name = "),
    "no plan": lambda run: (run.folder / "plan.json").unlink(),
    "a tag of two lines": lambda run: (run.folder / "about.json").write_text('{"tags": ["a\\nb"]}'),
    "bad metrics": lambda run: (run.folder / "metrics.jsonl").write_text("nothing\n"),
    "bad result": lambda run: (run.folder / "result.json").write_text('{"steps": "many"}'),
    "nothing left": lambda run: [path.unlink() for path in run.folder.iterdir()],
    "state is a folder": lambda run: (
        (run.folder / "state.json").unlink(),
        (run.folder / "state.json").mkdir(),
    ),
}


@pytest.mark.parametrize("damage", BREAKS)
def test_a_broken_folder_is_listed_with_one_line(damage: str) -> None:
    whole, broken = faked_run([3.0]), faked_run([3.0])
    age(whole, broken)
    summaries()
    BREAKS[damage](broken)
    for _ in range(2):
        seen = {summary.run_id: summary for summary in summaries()}
        assert seen[whole.id].unreadable is None
        summary = seen[broken.id]
        assert (summary.phase, summary.is_over, summary.name) == (None, True, broken.id)
        lines = [summary.trouble(language) for language in ("en", "zh_Hans")]
        for line in lines:
            assert line
            assert "\n" not in line
        assert lines[0] != lines[1]


def test_other_things_in_the_folder_are_no_runs() -> None:
    run = faked_run([3.0])
    (runs_dir() / "README").touch()
    (runs_dir() / "a-file").touch()
    (runs_dir() / ".hidden").mkdir()
    assert [summary.run_id for summary in summaries()] == [run.id]


def test_nothing_has_run_yet() -> None:
    assert summaries() == []
    assert not runs_dir().exists()


def look_often(n: int) -> int:
    return sum(len(summaries()) for _ in range(n))


def test_many_look_at_once(finished: list[Run], home: Path) -> None:
    """Several processes find the index missing and build it at the same time."""
    with multiprocessing.get_context("fork").Pool(4) as pool:
        looks = pool.map_async(look_often, [30] * 4)
        while not looks.ready():
            index_file().unlink(missing_ok=True)
            time.sleep(0.02)
        assert looks.get() == [30 * len(finished)] * 4
    assert reconcile_run(finished[0]) is Phase.SUCCEEDED


def test_a_full_or_read_only_disk_does_not_hide_runs(
    finished: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = summaries()

    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr("engine.runs.observing.index.sqlite3.connect", full)
    assert summaries() == truth
