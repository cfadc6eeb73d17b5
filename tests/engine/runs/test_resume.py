"""Runs that were killed, stopped or damaged continue with the losses of an undisturbed run."""

import hashlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from engine.files import JsonLines, read_json
from engine.machine import this_machine
from engine.recipes import checkpoints
from engine.recipes.checkpoints import FileRecord, Manifest
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.observing.progress import Progress
from engine.training.corpus import prepare
from engine.training.export import export_model
from engine.training.model import build_model
from tests.engine.ranks import Ranks
from tests.engine.runs.faked import tiny
from tests.engine.runs.working import (
    train,
    train_believing_in_room,
    train_until_others_fill_the_disk,
    train_until_the_model_breaks,
)

N_RANKS = min(2, this_machine().n_devices)
STEPS = 110

pytestmark = [
    pytest.mark.runs,
    pytest.mark.timeout(1_800),
    pytest.mark.usefixtures("prepared_corpora"),
]


@pytest.fixture
def recipe(texts: Path) -> Recipe:
    return tiny(texts, steps=STEPS, checkpoint_every_steps=5)


def create(recipe: Recipe) -> Run:
    """Return a run whose text is ready and whose ranks are not started."""
    run = Run.create(recipe, run_plan(recipe, None, this_machine()))
    assert prepare.main(run.folder) == 0
    return run


def start(run: Run, port: int | None = None) -> Ranks:
    log = run.folder / "log"
    return Ranks(log, train, run.folder, n_ranks=run.recipe.n_ranks, port=port)


def finish(run: Run) -> None:
    assert set(start(run).exit_codes()) == {0}, run.log_tail()
    assert run.result is not None


def stop_after(run: Run, step: int) -> int:
    """Ask a run to stop once it has done ``step``; the step at which it did."""
    ranks = start(run)
    assert ranks.wait_until(lambda: steps_done(run) >= step), run.log_tail()
    run.request_stop("cancelled")
    assert set(ranks.exit_codes()) == {0}, run.log_tail()
    stopped = run.stopped_step
    assert stopped is not None
    for name in ("stop.json", "stopped.json"):
        (run.folder / name).unlink()
    return stopped


def steps_done(run: Run) -> int:
    path = run.folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def failure(run: Run) -> Failure:
    found = run.reported_failure()
    assert found is not None, run.log_tail()
    assert found.in_language("zh_Hans") != found.in_language("en")
    return found


def learnt(run: Run) -> tuple[object, ...]:
    """Everything that a run has computed, step by step, and its model."""
    times = {"step_time_s", "time"}
    steps = [line.model_dump(exclude=times) for line in Progress(run).update().metrics]
    model = hashlib.sha256((run.model_dir / "model.safetensors").read_bytes()).hexdigest()
    assert run.result is not None
    return steps, model, run.result.held_out_loss, run.result.train_loss


def texts_read(run: Run) -> list[dict[int, int]]:
    """The text of each step by rank; a step that was done twice must have read the same."""
    orders = []
    for rank in range(run.recipe.n_ranks):
        order: dict[int, int] = {}
        for line in JsonLines(run.folder / f"order-{rank}.jsonl").new().lines:
            assert order.setdefault(line["step"], line["text"]) == line["text"]
        orders.append(order)
    return orders


def test_killed_twenty_times_a_run_learns_what_it_would_have(recipe: Recipe) -> None:
    calm = create(recipe)
    finish(calm)
    chance = random.Random(20)
    run = create(recipe)
    for _ in range(20):
        ranks = start(run)
        aim = steps_done(run) + chance.randint(1, 9)
        assert ranks.wait_until(lambda aim=aim: steps_done(run) >= aim), run.log_tail()
        time.sleep(chance.random() * 0.03)  # anywhere in a step, or while it saves
        ranks.kill()
        assert run.result is None
    finish(run)
    assert learnt(run) == learnt(calm)
    assert texts_read(run) == texts_read(calm)
    assert [line["step"] for line in run.metrics().new().lines] == [*range(1, STEPS + 1)]
    assert len(set(texts_read(calm)[0].values())) == STEPS  # so another order would be noticed

    # The run has continued, and not started from the first step.
    resumed = [line for line in run.log_tail().splitlines() if line.startswith("resuming from")]
    assert len(resumed) > 10
    first = JsonLines(run.folder / "order-0.jsonl").new().lines
    assert len(first) < 20 * STEPS / 2


def test_a_stop_is_a_checkpoint_and_no_failure(recipe: Recipe) -> None:
    recipe = recipe.with_values({"steps": 30, "checkpoint_every_minutes": 1e-6})
    run = create(recipe)
    stopped = stop_after(run, 7)
    assert 7 <= stopped < 30
    assert run.result is None
    assert run.reported_failure() is None
    newest = run.checkpoints()[-1]
    assert checkpoints.step_of(newest) == steps_done(run) == stopped
    with_state = [path for path in run.checkpoints() if (path / checkpoints.TRAINING).exists()]
    assert with_state == run.checkpoints()[-2:]  # keep_checkpoints
    others = [checkpoints.step_of(path) for path in run.checkpoints()[:-2]]
    assert others == [step for step in others if step % 5 == 0]
    measured = [line.held_out_loss is not None for line in Progress(run).update().metrics]
    assert measured == [step % 5 == 0 for step in range(1, stopped + 1)]
    unmeasured = [path for path in with_state if checkpoints.step_of(path) % 5]
    assert unmeasured
    for path in unmeasured:
        assert read_json(path / "flopledger.json")["held_out_loss"] is None
        assert "not measured" in (path / "README.md").read_text()

    finish(run)
    calm = create(recipe)
    finish(calm)
    assert learnt(run) == learnt(calm)
    # A complete run keeps no training state, and only the models that its recipe requests.
    assert [checkpoints.step_of(path) for path in run.checkpoints()] == [5, 10, 15, 20, 25]
    assert not list(run.folder.rglob("manifest.json"))
    assert not list(run.folder.rglob(".*"))


def test_a_resumed_run_needs_its_start_no_more(recipe: Recipe, tmp_path: Path) -> None:
    """A resumed run does not choose its pruned weights again either."""
    start_from = tmp_path / "start"
    torch.manual_seed(5)
    export_model(
        build_model(recipe.shape), prepare.prepare_corpus(recipe).tokenizer_file, start_from
    )
    wanted = {"init_from": str(start_from), "pruning": {"share": 0.6}, "n_ranks": 1, "steps": 12}
    calm, run = (create(recipe.with_values(wanted)) for _ in range(2))
    finish(calm)
    stop_after(run, 3)
    shutil.rmtree(start_from)
    finish(run)
    assert learnt(run) == learnt(calm)


def truncate(folder: Path) -> None:
    path = folder / "training" / "mp_rank_00_model_states.pt"
    os.truncate(path, path.stat().st_size // 2)


def change_a_byte(folder: Path) -> None:
    path = folder / "training" / "random_rank_00000.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_the_model(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace("0", "1", 1))


def remove_a_shard(folder: Path) -> None:
    next(folder.glob("training/*optim_states.pt")).unlink()


def change_the_manifest(folder: Path) -> None:
    path = folder / "training" / "manifest.json"
    path.write_text(path.read_text().replace('"wall_time_s": ', '"wall_time_s": 1'))


DAMAGES: dict[Callable[[Path], None], str] = {
    truncate: "bytes, not",
    change_a_byte: "the hash of training/random_rank_00000.pt",
    change_the_model: "the hash of config.json",
    remove_a_shard: "optim_states.pt is missing",
    change_the_manifest: "manifest.json is not as it was written",
}


@pytest.fixture(scope="module")
def stopped(
    tmp_path_factory: pytest.TempPathFactory, texts: Path, shared_corpora: Path
) -> Iterator[Path]:
    """The folder of a run with two checkpoints, for copies to be damaged."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("stopped")
        patch.setenv("FLOPLEDGER_HOME", str(home))
        (home / "corpora").symlink_to(shared_corpora)
        run = create(tiny(texts, n_ranks=1, steps=1_000, checkpoint_every_minutes=1e-6))
        stop_after(run, 3)
        yield run.folder


@pytest.fixture
def damaged(stopped: Path, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(stopped, tmp_path / "home" / "runs" / stopped.name)))


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(
    damaged: Run, damage: Callable[[Path], None]
) -> None:
    *_, before, newest = damaged.checkpoints()
    damage(newest)
    ranks = start(damaged)
    assert ranks.wait_until(lambda: steps_done(damaged) > checkpoints.step_of(newest))
    ranks.kill()
    lines = [line for line in damaged.log_tail().splitlines() if "step-" in line]
    assert lines[0].startswith(f"{newest.name} can't be resumed from")
    assert DAMAGES[damage] in lines[0]
    assert lines[1] == f"resuming from {before.name}"
    assert newest in damaged.checkpoints()  # the step was taken again
    assert len(lines) == 2


def test_a_model_that_the_last_update_broke_is_not_kept(damaged: Run) -> None:
    first = checkpoints.step_of(damaged.checkpoints()[-1]) + 1
    log = damaged.folder / "log"
    assert Ranks(log, train_until_the_model_breaks, damaged.folder, 3).exit_codes() == [1]
    found = failure(damaged)
    assert found.key == "loss_not_finite_kept"
    assert (found.params["step"], found.params["kept"]) == (first + 2, first + 1)
    assert checkpoints.step_of(damaged.checkpoints()[-1]) == first + 1
    assert not list((damaged.folder / "checkpoints").glob(".*"))


class Hostile:
    """An object whose pickle runs a command when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self._marker}",)


def test_a_hostile_checkpoint_is_refused_and_runs_nothing(damaged: Run, tmp_path: Path) -> None:
    newest = damaged.checkpoints()[-1]
    training = newest / "training"
    for path in training.glob("*.pt"):
        torch.save({"module": Hostile(tmp_path / "was-here")}, path)
    manifest = Manifest.parse(read_json(training / "manifest.json") or {})
    files = {name: FileRecord.of_file(newest / name) for name in manifest.files}
    shutil.copytree(newest, checkpoints.partial_dir(newest))
    checkpoints.commit(newest, manifest.model_copy(update={"files": files}))

    assert start(damaged).exit_codes() == [1]
    found = failure(damaged)
    assert found.params["rule"] == "plain_state"
    assert found.params["field"].endswith("mp_rank_00_model_states.pt")
    assert len(found.in_language("en").splitlines()) == 1
    assert not (tmp_path / "was-here").exists()
    torch.load(training / "random_rank_00000.pt", weights_only=False)
    assert (tmp_path / "was-here").exists()  # an ordinary load would have run it


def test_an_edited_recipe_is_refused(damaged: Run) -> None:
    path = damaged.folder / "recipe.toml"
    path.write_text(path.read_text().replace("steps = 1000", "steps = 2000"))
    assert start(damaged).exit_codes() == [1]
    assert failure(damaged).params["rule"] == "edited_recipe"
    assert prepare.main(damaged.folder) == 2


def test_a_busy_port_is_reported(damaged: Run) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        assert start(damaged, port).exit_codes() == [1]
    found = failure(damaged)
    assert (found.key, found.params) == ("port_busy", {"port": port})


@contextmanager
def on_a_small_disk(run: Run, room_bytes: int, disk: Path) -> Iterator[Run]:
    """Copy the run to a disk of its own with ``room_bytes`` of free space."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a disk of a few megabytes")
    disk.mkdir()
    used = sum(-(-path.stat().st_size // 4096) * 4096 for path in run.folder.rglob("*"))
    size = f"size={used + room_bytes + 100_000}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
    try:
        yield Run(Path(shutil.copytree(run.folder, disk / run.folder.name)))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("work", [train, train_believing_in_room], ids=["before", "on the way"])
@pytest.mark.parametrize("room_bytes", [0, 1_500_000])
def test_a_full_disk_leaves_the_last_checkpoint_and_one_line(
    damaged: Run, tmp_path: Path, work: Callable[[int, Path], None], room_bytes: int
) -> None:
    """The disk has space for no checkpoint, or for a part of one."""
    with on_a_small_disk(damaged, room_bytes, tmp_path / "disk") as run:
        newest = run.checkpoints()[-1]
        assert Ranks(run.folder / "log", work, run.folder).exit_codes() == [1]
        found = failure(run)
        assert found.key == "disk_full"
        assert found.params["needed_bytes"] > max(1_500_000, found.params["free_bytes"])
        assert run.checkpoints()[-1] == newest
        assert not list((run.folder / "checkpoints").glob(".*"))
        checkpoints.check_files(newest, checkpoints.read_manifest(newest, run.recipe).files)


def test_a_disk_that_others_have_filled_is_still_reported(damaged: Run, tmp_path: Path) -> None:
    with on_a_small_disk(damaged, 4_000_000, tmp_path / "disk") as run:
        log = run.folder / "log"
        assert Ranks(log, train_until_others_fill_the_disk, run.folder, 2).exit_codes() == [1]
        assert failure(run).key == "disk_full"
        run.set_state(phase=Phase.FAILED)  # there is space for the supervisor's state, too
        (run.folder.parent / "of others").unlink()
        done = steps_done(run)
        ranks = start(run)  # the last line of the metrics is incomplete
        assert ranks.wait_until(lambda: steps_done(run) > done + 2), run.log_tail()
        ranks.kill()
        steps = [line.step for line in Progress(run).update().metrics]
        assert steps == [*range(1, len(steps) + 1)]
