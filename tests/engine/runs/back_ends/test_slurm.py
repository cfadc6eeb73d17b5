"""Real training in a Slurm cluster of two nodes, both on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.machine import machine_like
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.back_ends.slurm import BACK_END, job_script
from engine.runs.folder import Phase, Run
from engine.runs.job import Job
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.settings import Settings, Slurm, settings
from tests.engine.runs.back_ends import slurm_cluster
from tests.engine.runs.back_ends.slurm_cluster import SlurmTestCluster
from tests.engine.runs.back_ends.training import (
    executable,
    leaves_nothing,
    logs,
    losses,
    start,
    wait_for_end,
    wait_for_steps,
    wait_until,
)

pytestmark = [pytest.mark.cluster, pytest.mark.runs, pytest.mark.timeout(1_800)]

needs_slurm = pytest.mark.skipif(bool(slurm_cluster.LACKS), reason=slurm_cluster.LACKS)

SETTINGS = """
[slurm]
nodes = 2
slots_per_node = 1
partition = "{partition}"
"""


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmTestCluster]:
    cluster = SlurmTestCluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(
    running_cluster: SlurmTestCluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> SlurmTestCluster:
    monkeypatch.setenv("SLURM_CONF", str(running_cluster.configuration))
    (home / "settings.toml").write_text(SETTINGS.format(partition="main"), "utf-8")
    return running_cluster


@needs_slurm
def test_a_job_whose_node_is_lost_comes_back_and_goes_on(
    cluster: SlurmTestCluster, recipe: Recipe, calm_losses: list[float]
) -> None:
    assert BACK_END.unmet_requirements(settings()) == []
    run = start(recipe, "slurm")
    wait_for_steps(run, 70)
    job = run.state.cluster_job
    cluster.lose_node("n1", run)
    cluster.wait_until(lambda: cluster.job_state(job) == "PENDING")
    cluster.start_node("n1")
    cluster.wait_until(lambda: cluster.node_states() == ["idle", "idle"])
    # Slurm holds a requeued job for two minutes.
    cluster.run_client("scontrol", "update", f"jobid={job}", "StartTime=now")

    # The supervisor dies in the meantime: a new supervisor continues with the job.
    supervisor = run.state.supervisor_pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: reconcile_run(run).is_over or run.state.supervisor_pid != supervisor, run)
    assert run.state.cluster_job == job
    assert wait_for_end(run) is Phase.SUCCEEDED, logs(run)
    assert losses(run) == calm_losses
    assert run.state.starts == 1
    assert "resuming from step-00000050" in logs(run)
    assert leaves_nothing(run)


@needs_slurm
def test_a_cancelled_job_leaves_a_checkpoint(cluster: SlurmTestCluster, recipe: Recipe) -> None:
    run = start(recipe.with_values({"n_ranks": 1, "steps": 100_000}), "slurm")
    wait_for_steps(run, 3)
    job = run.state.cluster_job
    control.cancel(run)
    assert wait_for_end(run) is Phase.CANCELLED
    assert run.checkpoints()[-1].name == f"step-{run.stopped_step or 0:08d}"
    # On a busy machine the ranks may exit only after the supervisor has cancelled the job.
    assert cluster.job_state(job) in ("COMPLETED", "CANCELLED")
    assert leaves_nothing(run)


@needs_slurm
def test_a_job_that_waits_is_cancelled(cluster: SlurmTestCluster, recipe: Recipe) -> None:
    cluster.run_client("scontrol", "update", "partitionname=main", "state=down")
    try:
        run = start(recipe, "slurm")
        wait_until(lambda: run.state.cluster_job is not None, run)
        job = run.state.cluster_job
        assert cluster.job_state(job) == "PENDING"
        control.cancel(run)
        assert wait_for_end(run) is Phase.CANCELLED
        assert cluster.job_state(job) == "CANCELLED"
    finally:
        cluster.run_client("scontrol", "update", "partitionname=main", "state=up")


@needs_slurm
def test_a_refusal_is_reported_in_the_words_of_slurm(
    cluster: SlurmTestCluster, home: Path, recipe: Recipe
) -> None:
    (home / "settings.toml").write_text(SETTINGS.format(partition="nowhere"), "utf-8")
    run = start(recipe, "slurm")
    assert wait_for_end(run) is Phase.FAILED
    assert run.state.failure is not None
    assert "invalid partition specified: nowhere" in run.state.failure.in_language("en")


def planned(recipe: Recipe, cluster: Slurm) -> Run:
    machine = BACK_END.machine(Settings(slurm=cluster))
    return Run.create(recipe, run_plan(recipe, None, machine), Job(back_end="slurm"))


def test_a_script_says_what_the_run_needs(recipe: Recipe) -> None:
    cluster = Slurm(
        nodes=4, slots_per_node=8, accelerator="H100-80GB", account="lab", time_limit_minutes=90
    )
    run = planned(recipe.with_values({"n_ranks": 20, "layout.precision": "bf16"}), cluster)
    script = job_script(run, cluster, machine_like("H100-80GB", 32))
    options = {line for line in script.splitlines() if line.startswith("#SBATCH")}
    assert options >= {
        f'#SBATCH --job-name="{run.id}"',
        '#SBATCH --nodes="3"',
        '#SBATCH --gres="gpu:8"',
        '#SBATCH --account="lab"',
        '#SBATCH --time="90"',
        "#SBATCH --requeue",
    }
    assert not any("cpus-per-task" in option or "partition" in option for option in options)
    assert "--shares 8,8,4" in script
    assert "DS_ACCELERATOR" not in script


def test_a_script_runs_where_names_have_spaces(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for ``srun`` only runs the task; that for Python prints its arguments."""
    monkeypatch.setenv("FLOPLEDGER_HOME", str(tmp_path / "it's a home"))
    python = tmp_path / "my python"
    executable(python, 'echo "$FLOPLEDGER_HOME"; for word in "$@"; do echo "$word"; done')
    executable(tmp_path / "srun", 'shift; exec "$@"')
    cluster = Slurm(nodes=1, slots_per_node=2, python=str(python))
    run = planned(recipe, cluster)
    printed = subprocess.run(
        ["bash", "-c", job_script(run, cluster, machine_like(None, 2))],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_NODEID": "0",
            "SLURMD_NODENAME": "n 1",
            "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert printed[0] == str(tmp_path / "it's a home")
    assert printed[1:4] == ["-m", "engine.runs.back_ends.node_agent", str(run.folder)]
    for name, value in (("rank", "0"), ("name", "n 1"), ("master", "10.0.0.1"), ("shares", "2")):
        assert printed[printed.index(f"--{name}") + 1] == value


def test_an_unmet_requirement_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lack,) = BACK_END.unmet_requirements(Settings())
    assert "[slurm]" in lack.in_language("en")
    known = Settings(slurm=Slurm(nodes=1, slots_per_node=1))
    monkeypatch.setenv("PATH", str(tmp_path))
    (lack,) = BACK_END.unmet_requirements(known)
    assert "sbatch must be on the PATH" in lack.in_language("en")
    executable(tmp_path / "sbatch", "exit 0")
    executable(tmp_path / "scontrol", 'echo "Slurmctld(primary) at login is DOWN"; exit 1')
    (lack,) = BACK_END.unmet_requirements(known)
    assert "at login is DOWN" in lack.in_language("zh_Hans")
