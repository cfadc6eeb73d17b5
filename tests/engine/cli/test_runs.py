"""The command line reports the true state of runs, also in its exit status."""

import json
from pathlib import Path

import pytest
import yaml

from engine.runs.folder import Phase, Run
from engine.runs.observing.index import summaries
from engine.runs.observing.progress import Progress
from engine.text import catalog
from tests.engine.command_line import engine
from tests.engine.runs.faked import StandIns, faked_run, smoke


@pytest.fixture
def one_slot(home: Path) -> Path:
    path = home / "settings.toml"
    path.write_text("slots = 1\n")
    return path


def write_recipe(folder: Path, **changes: object) -> str:
    path = folder / "recipe.toml"
    path.write_text(smoke(**({"n_ranks": 1} | changes)).to_toml())
    return str(path)


def test_list_says_what_the_folders_say() -> None:
    runs = [
        faked_run([3.0, 2.0], held_out={1: 2.5}),
        faked_run([3.0], phase=Phase.CANCELLED, name="another"),
    ]
    rows = {row["run"]: row for row in json.loads(engine("runs", "list", "--json").out)}
    assert list(rows) == [summary.run_id for summary in summaries()]
    for run in runs:
        row, progress = rows[run.id], Progress(run).update()
        assert row["phase"] == run.state.phase
        assert (row["steps_done"], row["steps"]) == (progress.steps_done, run.recipe.steps)
        assert row["cost_usd"] == progress.cost_usd
        assert row["held_out_loss"] == progress.held_out_loss
        assert row["trouble"] is None
    found = json.loads(engine("runs", "list", "another", "--json").out)
    assert [row["run"] for row in found] == [runs[1].id]
    found = json.loads(engine("runs", "list", "--phase", "succeeded", "--json").out)
    assert [row["run"] for row in found] == [runs[0].id]
    table = engine("runs", "list").out
    for run in runs:
        assert run.id in table
    assert "2 runs" in table


def test_list_shows_broken_runs_and_goes_on() -> None:
    whole, broken = faked_run([3.0]), faked_run([3.0])
    (broken.folder / "state.json").write_text('{"phase": "run')
    listed = engine("runs", "list")
    assert listed.status == 0
    assert whole.id in listed.out
    (line,) = [line for line in listed.out.splitlines() if line.startswith(f"{broken.id}: ")]
    assert "the file must be JSON" in line
    (row,) = [
        row for row in json.loads(engine("runs", "list", "--json").out) if row["run"] == broken.id
    ]
    assert row["phase"] is None
    assert "the file must be JSON" in row["trouble"]
    for command in ("show", "cancel", "resume", "restart"):
        answer = engine("runs", command, broken.id)
        assert answer.status == 2, command
        assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        *(["show"], ["logs"], ["cancel"], ["resume"], ["restart"]),
        *(["delete"], ["restore"], ["archive"], ["tag"]),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("run_id", ["nothing", "../../etc/passwd", ""])
def test_an_unknown_run_is_refused_with_one_line(words: list[str], run_id: str) -> None:
    answer = engine("runs", *words, run_id)
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    shown = run_id or '""'
    assert line.startswith(f"run: {shown} is not allowed: must be a run in")


def test_show_and_logs() -> None:
    run = faked_run([3.0, 2.0])
    (run.folder / "log").write_text("one\ntwo\nthree\n")
    shown = json.loads(engine("runs", "show", run.id, "--json").out)
    assert shown["state"] == run.state.model_dump(mode="json")
    assert shown["result"]["steps"] == 2
    assert shown["summary"] == json.loads(engine("runs", "list", "--json").out)[0]
    told = engine("runs", "show", run.id).out
    for word in (run.id, str(run.folder), "succeeded", "measured ÷ predicted"):
        assert word in told
    assert engine("runs", "logs", run.id).out == "one\ntwo\nthree\n"
    assert engine("runs", "logs", run.id, "--lines", "1").out == "three\n"
    assert engine("runs", "logs", run.id, "--lines", "2", "--follow").out == "two\nthree\n"
    (run.folder / "node-1.log").write_text("of the node\n")
    assert engine("runs", "logs", run.id, "--node", "1").out == "of the node\n"
    assert engine("runs", "logs", run.id, "--node", "2").status == 2


def test_why_a_run_failed_is_shown() -> None:
    run = faked_run([3.0], phase=Phase.TRAINING)
    answer = engine("runs", "show", run.id)  # its supervisor is gone
    assert catalog("en")("failure.supervisor_lost") in answer.out
    (row,) = json.loads(engine("runs", "list", "--json").out)
    assert (row["phase"], row["failure"]["key"]) == ("failed", "supervisor_lost")


@pytest.mark.parametrize(
    ("phase", "status"),
    [(Phase.CANCELLED, 0), (Phase.SUCCEEDED, 1), (Phase.FAILED, 1), (Phase.STOPPED, 1)],
)
def test_cancel_is_a_success_only_if_the_run_is_cancelled(phase: Phase, status: int) -> None:
    run = faked_run([3.0], phase=phase)
    answer = engine("runs", "cancel", run.id)
    assert (answer.status, answer.out.strip()) == (status, phase)


def test_the_queue_is_shown_and_left(one_slot: Path, home: Path, supervisors: StandIns) -> None:
    recipe = write_recipe(home)
    first = engine("train", recipe, "--detach").out.strip()
    second = engine("train", recipe, "--detach").out.strip()
    third = engine("train", recipe, "--detach", "--priority", "7").out.strip()
    rows = json.loads(engine("runs", "queue", "--json").out)
    assert [(row["run"], row["behind"], row["priority"]) for row in rows] == [
        (third, 1, 7),
        (second, 2, 0),
    ]
    assert third in engine("runs", "queue").out
    (local, *_) = json.loads(engine("runs", "backends", "--json").out)
    assert (local["back_end"], local["ready"]) == ("local", True)
    assert (local["slots"], local["slots_taken"]) == (1, 1)
    assert engine("runs", "cancel", third).status == 0
    assert engine("runs", "cancel", third).status == 0  # still true
    supervisors.end(Run.find(first))
    engine("runs", "list")
    assert Run.find(second).state.phase is Phase.STARTING
    assert engine("runs", "resume", first).status == 2  # it has succeeded
    resumed = engine("runs", "resume", third, "--priority", "-3")
    assert (resumed.status, resumed.out.strip()) == (0, "queued")
    assert Run.find(third).job.priority == -3
    again = engine("runs", "restart", third).out.split()
    assert (again[0] != third, again[1]) == (True, "queued")


def test_what_may_not_start_is_refused_before_it_is_there(one_slot: Path, home: Path) -> None:
    for words, line in (
        (["--spending-limit-usd", "0.0000001"], "spending_limit_usd"),
        (["--priority", "1000"], "priority: 1000 is not allowed: must be at most 100"),
        (["--on", "slurm"], "slurm"),
    ):
        answer = engine("train", write_recipe(home), *words)
        assert answer.status == 2
        assert line in answer.err
        assert len(answer.err.splitlines()) == 1
    assert summaries() == []


def test_where_runs_can_run_is_said_one_line_each(home: Path) -> None:
    rows = json.loads(engine("runs", "backends", "--json").out)
    assert [row["back_end"] for row in rows] == ["local", "hosts", "slurm", "kubernetes"]
    for row in rows:
        assert row["ready"] == (not row["lacks"])
        assert all("\n" not in lack for lack in row["lacks"])
    lines = engine("runs", "backends").out.splitlines()
    assert len(lines) == sum(max(1, len(row["lacks"])) for row in rows)


def test_what_a_cluster_would_be_given(home: Path) -> None:
    run = faked_run([3.0], phase=Phase.CANCELLED)
    refused = engine("runs", "render", run.id, "--on", "slurm")
    assert refused.status == 2
    assert len(refused.err.splitlines()) == 1
    (home / "settings.toml").write_text(
        '[slurm]\naccelerator = "CPU-core"\nslots_per_node = 2\nnodes = 2\n'
        '[kubernetes]\naccelerator = "CPU-core"\nimage = "flopledger:1"\n'
        'volume_claim = "home"\nslots_per_node = 2\nnodes = 2\n'
    )
    script = engine("runs", "render", run.id, "--on", "slurm").out
    assert script.startswith("#!/bin/bash\n")
    assert str(run.folder) in script
    manifest = list(yaml.safe_load_all(engine("runs", "render", run.id, "--on", "kubernetes").out))
    assert [document["kind"] for document in manifest] == ["Service", "Job"]
