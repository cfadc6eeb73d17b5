"""Names, notes, tags and archive flags of runs; deletion with undo; pruning."""

import datetime
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.runs import lifecycle
from engine.runs.folder import Phase, Run, now
from engine.runs.labels import about_of
from engine.runs.observing.disk_use import disk_space, disk_use, used_bytes
from engine.runs.observing.index import summaries
from tests.engine.command_line import engine
from tests.engine.runs.faked import faked_run


def add_checkpoint(run: Run, step: int, *, model_bytes: int, training_bytes: int) -> None:
    training = run.folder / "checkpoints" / f"step-{step:08d}" / "training"
    training.mkdir(parents=True)
    (training.parent / "model.safetensors").write_bytes(os.urandom(model_bytes))
    (training / "rank-0.safetensors").write_bytes(os.urandom(training_bytes))


def ended_days_ago(run: Run, days: float) -> Run:
    run.set_state(ended_at=now() - datetime.timedelta(days=days))
    return run


def deleted_days_ago(run: Run, days: float) -> None:
    then = (now() - datetime.timedelta(days=days)).timestamp()
    os.utime(lifecycle.trash_dir() / run.id, (then, then))


def test_what_people_say_of_a_run() -> None:
    run = faked_run([3.0])
    assert about_of(run).name is None
    lifecycle.rename(run, " Größer, besser 更大 ")
    lifecycle.annotate(run, "first line\n\tsecond, with a soft\u00adhyphen\n")
    lifecycle.tag(run, ["baseline", "中文"])
    lifecycle.archive(run)
    (seen,) = summaries()
    assert seen.name == "Größer, besser 更大"
    assert seen.note == "first line\n\tsecond, with a soft\u00adhyphen"
    assert (seen.tags, seen.archived, seen.run_id) == (("baseline", "中文"), True, run.id)
    lifecycle.tag(run, [])
    lifecycle.annotate(run, "")
    lifecycle.archive(run, archived=False)
    (seen,) = summaries()
    assert (seen.tags, seen.note, seen.archived) == ((), "", False)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"name": "  "}, 'name: "" is not allowed: must have at least 1 character'),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"name": "two\nlines"}, "name: U+000A is not allowed"),
        ({"name": "turned \u202e around"}, "name: U+202E is not allowed"),
        ({"note": "bell \x07"}, "note: U+0007 is not allowed"),
        ({"note": "x" * 10_001}, "at most 10000 characters"),
        ({"tags": ["a", "b", "a"]}, "tags: a is not allowed: must not occur twice"),
        ({"tags": ["a,b"]}, "tags.0: a,b is not allowed: must not contain a comma"),
        ({"tags": ["x" * 41]}, "at most 40 characters"),
        ({"tags": [str(number) for number in range(21)]}, "at most 20 entries"),
    ],
)
def test_what_is_not_allowed_changes_nothing(said: dict[str, object], line: str) -> None:
    run = faked_run([3.0])
    lifecycle.rename(run, "as it was")
    before = about_of(run)
    change = {"name": lifecycle.rename, "note": lifecycle.annotate, "tags": lifecycle.tag}
    for field, value in said.items():
        with pytest.raises(InputError) as refused:
            change[field](run, value)  # type: ignore[operator]
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
    assert about_of(run) == before


def test_changes_at_once_are_all_kept() -> None:
    run = faked_run([3.0])
    changes = [
        lambda: [lifecycle.rename(run, f"name {n}") for n in range(20)],
        lambda: [lifecycle.annotate(run, f"note {n}") for n in range(20)],
        lambda: [lifecycle.tag(run, [f"tag {n}"]) for n in range(20)],
        lambda: [lifecycle.archive(run, archived=n % 2 == 1) for n in range(20)],
    ]
    threads = [threading.Thread(target=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    about = about_of(run)
    assert (about.name, about.note, about.tags) == ("name 19", "note 19", ("tag 19",))
    assert about.archived


def test_deleted_and_restored_as_it_was() -> None:
    run, other = faked_run([3.0, 2.0]), faked_run([3.0])
    lifecycle.rename(run, "kept")
    before = summaries()
    files = {path: path.read_bytes() for path in run.folder.iterdir()}
    lifecycle.delete(run)
    assert [seen.run_id for seen in summaries()] == [other.id]
    (lies_there,) = lifecycle.deleted_runs()
    assert lies_there.run_id == run.id
    assert lies_there.disk_bytes == used_bytes(lifecycle.trash_dir() / run.id)
    with pytest.raises(InputError):
        Run.find(run.id)
    restored = lifecycle.restore(run.id)
    assert {path: path.read_bytes() for path in restored.folder.iterdir()} == files
    assert summaries() == before
    assert lifecycle.deleted_runs() == []


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.TRAINING])
def test_a_run_that_is_not_over_is_not_deleted(phase: Phase) -> None:
    run = faked_run([3.0], phase=phase)
    with run.locked():  # as its supervisor does
        with pytest.raises(InputError, match="must be a run that has ended"):
            lifecycle.delete(run)
        with pytest.raises(InputError, match="must be a run that has ended"):
            lifecycle.prune(run)
    assert run.folder.is_dir()


def test_a_queued_run_is_not_deleted_though_no_process_holds_it() -> None:
    run = faked_run([3.0], phase=Phase.QUEUED)
    (run.folder.parent.parent / "settings.toml").write_text("slots = 1\n[nonsense]\n")
    with pytest.raises(InputError, match="must be a run that has ended"):
        lifecycle.delete(run)


def test_a_run_whose_supervisor_died_can_be_deleted() -> None:
    run = faked_run([3.0], phase=Phase.TRAINING)
    lifecycle.delete(run)
    assert lifecycle.restore(run.id).state.phase is Phase.FAILED


@pytest.mark.parametrize("damage", ["state.json", "recipe.toml", "lock"])
def test_a_damaged_run_can_be_deleted(damage: str) -> None:
    run = faked_run([3.0])
    (run.folder / damage).unlink()
    lifecycle.delete(run)
    assert [seen.run_id for seen in lifecycle.deleted_runs()] == [run.id]


@pytest.mark.parametrize("run_id", ["../runs", ".", "", "nothing", "..", "/etc"])
def test_only_what_is_in_the_trash_is_restored(run_id: str, home: Path) -> None:
    lifecycle.delete(faked_run([3.0]))
    with pytest.raises(InputError, match="must be a run in"):
        lifecycle.restore(run_id)


def test_the_trash_is_purged_by_age_and_by_hand() -> None:
    old, young, last = (faked_run([3.0]) for _ in range(3))
    lifecycle.delete(old)
    lifecycle.delete(young)
    deleted_days_ago(old, lifecycle.TRASH_DAYS + 1)
    deleted_days_ago(young, lifecycle.TRASH_DAYS - 1)
    lifecycle.delete(last)
    assert [seen.run_id for seen in lifecycle.deleted_runs()] == [last.id, young.id]
    size_bytes = used_bytes(lifecycle.trash_dir() / young.id)
    assert lifecycle.purge(older_than_days=lifecycle.TRASH_DAYS - 2) == size_bytes
    assert [seen.run_id for seen in lifecycle.deleted_runs()] == [last.id]
    # The rest of an interrupted purge is removed by the next purge.
    (lifecycle.trash_dir() / last.id).rename(lifecycle.trash_dir() / f".{last.id}")
    assert lifecycle.deleted_runs() == []
    assert lifecycle.purge() > 0
    assert list(lifecycle.trash_dir().iterdir()) == []


def test_disk_use_is_what_du_says() -> None:
    run = faked_run([3.0] * 50)
    (run.folder / "log").write_bytes(os.urandom(70_000))
    (run.folder / "model").mkdir()
    (run.folder / "model" / "model.safetensors").write_bytes(os.urandom(300_000))
    add_checkpoint(run, 10, model_bytes=300_000, training_bytes=900_000)
    add_checkpoint(run, 20, model_bytes=300_000, training_bytes=900_000)
    use = disk_use(run.folder)

    def du(*names: str) -> int:
        paths = [str(run.folder / name) for name in names]
        lines = subprocess.check_output(["du", "-s", "-B1", *paths], text=True).splitlines()
        return sum(int(line.split()[0]) for line in lines)

    assert use.total_bytes == du(".")
    assert use.log_bytes == du("log")
    assert use.training_bytes == du(*(f"checkpoints/step-000000{n}/training" for n in (10, 20)))
    assert use.models_bytes == du("model", "checkpoints") - use.training_bytes
    assert 0 < disk_space().free_bytes < disk_space().total_bytes


def test_pruning_takes_what_is_old_and_shows_it_first() -> None:
    runs = [
        ended_days_ago(faked_run([3.0], phase=Phase.CANCELLED, name=f"n{days}"), days)
        for days in (90, 60, 40, 5)  # the newest was created last
    ]
    for run in runs:
        add_checkpoint(run, 1, model_bytes=1_000, training_bytes=500_000)
    finished = ended_days_ago(faked_run([3.0]), 90)
    live = faked_run([3.0], phase=Phase.QUEUED)
    add_checkpoint(live, 1, model_bytes=1_000, training_bytes=500_000)

    def by_rule(keep: int, days: float) -> set[str]:
        return {seen.run_id for seen in lifecycle.prunable(keep, days)}

    old = {run.id for run in runs[:3]}
    assert by_rule(0, 30) == old
    assert by_rule(0, 50) == {run.id for run in runs[:2]}
    newest = sorted((run.id for run in runs), reverse=True)
    assert by_rule(2, 30) == old - set(newest[:2])
    assert by_rule(4, 0) == set()
    assert finished.id not in by_rule(0, 0)

    promised = {seen.run_id: seen.disk.training_bytes for seen in lifecycle.prunable(0, 30)}
    for run_id in promised:
        lifecycle.prune(Run.find(run_id))
    assert by_rule(0, 30) == set()
    left = {seen.run_id: seen.disk for seen in summaries()}
    for run_id, freed_bytes in promised.items():
        assert freed_bytes >= 500_000
        assert left[run_id].training_bytes == 0
        assert left[run_id].models_bytes >= 1_000
    assert left[live.id].training_bytes > 0


def test_the_command_line_labels_deletes_and_prunes() -> None:
    run = ended_days_ago(faked_run([3.0], phase=Phase.FAILED), 40)
    add_checkpoint(run, 1, model_bytes=1_000, training_bytes=500_000)

    refused = engine("runs", "rename", run.id, "two\nlines")
    assert refused.status == 2
    assert refused.err.splitlines() == [
        "name: U+000A is not allowed: must be text without invisible or control characters"
    ]
    assert engine("runs", "delete", "../../etc").status == 2
    (promised,) = json.loads(engine("runs", "prune", "--dry-run", "--json").out)
    assert (promised["run"], promised["dry_run"]) == (run.id, True)
    assert promised["freed_bytes"] >= 500_000
    training = run.folder / "checkpoints" / "step-00000001" / "training"
    assert training.is_dir()
    assert engine("runs", "prune").status == 0
    assert not training.exists()
    assert engine("runs", "tag", run.id, "a", "b").status == 0
    assert engine("runs", "note", run.id, "a note").status == 0
    (row,) = json.loads(engine("runs", "list", "a note", "--tag", "b", "--json").out)
    assert (row["tags"], row["note"]) == (["a", "b"], "a note")
    assert engine("runs", "archive", run.id).status == 0
    assert json.loads(engine("runs", "list", "--json").out) == []
    assert engine("runs", "archive", run.id, "--back").status == 0
    assert engine("runs", "delete", run.id).status == 0
    assert engine("runs", "delete", run.id).status == 2
    assert json.loads(engine("runs", "trash", "--json").out)[0]["run"] == run.id
    assert engine("runs", "restore", run.id).status == 0
    assert Run.find(run.id).state.phase is Phase.FAILED
    assert engine("runs", "delete", run.id).status == 0
    assert engine("runs", "trash", "--empty").status == 0
    assert engine("runs", "restore", run.id).status == 2
