"""Training in a Slurm cluster: one job a run, with a node agent on each of its nodes.

The nodes see the home folder under the path that it has on this machine. The job outlives the
supervisor: a new supervisor that finds the job's id in the run's state watches that job. Slurm
requeues a job whose node is lost (``--requeue``), and its ranks go on from the last checkpoint.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

from engine.documents import InputError
from engine.files import write_atomically
from engine.machine import Machine
from engine.paths import PROJECT_DIR
from engine.runs.back_ends.cluster import (
    ClientError,
    ClusterJob,
    cluster_machine,
    ranks_on_nodes,
    run_client,
)
from engine.runs.back_ends.node_state import clear_node_states, node_environment
from engine.runs.folder import Run
from engine.runs.job import BackEndName
from engine.runs.settings import Settings, Slurm, set_up, settings

_FORGOTTEN = "FORGOTTEN"
"""State of a job that Slurm no longer knows, in addition to Slurm's own states. Without a database
most clusters keep ended jobs for minutes."""
_NODE_OPTIONS = (
    '--rank "$SLURM_NODEID" --name "$SLURMD_NODENAME" '
    '--master "$SLURM_LAUNCH_NODE_IPADDR" --port "$PORT"'
)
"""Options by which an agent knows its node; the shell on the node fills in Slurm's variables."""
_FREE_PORT = 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'


class SlurmJob(ClusterJob):
    """The job of one run in a Slurm cluster."""

    # https://slurm.schedmd.com/job_state_codes.html
    final_states: ClassVar = {"COMPLETED": 0} | dict.fromkeys(
        (
            "BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
            "PREEMPTED", "REVOKED", "TIMEOUT", _FORGOTTEN,
        ),
        1,
    )  # fmt: skip
    states_explained_by_agents: ClassVar = ("COMPLETED", "FAILED", _FORGOTTEN)
    waiting_state: ClassVar = "PENDING"

    def state(self) -> str:
        return job_state(self.cluster_job)

    def cancel(self) -> None:
        run_client("scancel", self.cluster_job)


def job_state(job: str) -> str:
    """Return the job's state as Slurm names it; ``FORGOTTEN`` if Slurm no longer knows the job.

    Raises
    ------
    ClientError
        If Slurm's controller does not answer.
    """
    try:
        known = run_client("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T")
    except ClientError as error:
        if "Invalid job id" not in str(error):
            raise
        known = ""
    return known.strip() or _accounted_state(job) or _FORGOTTEN


def _accounted_state(job: str) -> str:
    """Return the state by Slurm's database, or by its file of ended jobs, or an empty text."""
    for source in ("--allocations", "--completion"):
        with suppress(ClientError):
            lines = run_client(
                "sacct", source, "--noheader", "--parsable2", "--format=State", f"--jobs={job}"
            ).split("\n")
            states = [line.split()[0] for line in lines if line.strip()]  # "CANCELLED by 1000"
            if states:
                return states[-1]  # a job that was requeued has a line for each time
    return ""


def submit(run: Run, cluster: Slurm, machine: Machine) -> str:
    """Submit a new job for ``run`` and return its id.

    Raises
    ------
    InputError
        With Slurm's message, if Slurm refuses the job.
    """
    clear_node_states(run.folder)
    script = run.folder / "job.sh"
    write_atomically(script, job_script(run, cluster, machine))
    try:
        answer = run_client("sbatch", "--parsable", *cluster.options, str(script))
    except ClientError as error:
        raise InputError("settings.toml", "[slurm]", "slurm_refused", message=str(error)) from None
    return answer.strip().split(";")[0]  # the cluster's name may follow


def job_script(run: Run, cluster: Slurm, machine: Machine) -> str:
    """Return the script for ``sbatch``, which starts a node agent on each node of the job."""
    shares = ranks_on_nodes(cluster, run)
    options: dict[str, object] = {
        "job-name": run.id,
        "partition": cluster.partition,
        "account": cluster.account,
        "time": cluster.time_limit_minutes,
        "nodes": len(shares),
        "ntasks-per-node": 1,
        "gres": f"gpu:{max(shares)}" if machine.has_gpu else None,
        "cpus-per-task": None if machine.has_gpu else max(shares),
        "chdir": PROJECT_DIR,
        "output": run.folder / "log",
        "open-mode": "append",
    }
    environment = node_environment(run, machine)
    python = cluster.python or sys.executable
    agent = shlex.join([python, "-m", "engine.runs.back_ends.node_agent", str(run.folder)])
    agent += f" --shares {','.join(map(str, shares))} {_NODE_OPTIONS}"
    return "\n".join(
        [
            "#!/bin/bash",
            *(
                f'#SBATCH --{name}="{value}"'
                for name, value in options.items()
                if value is not None
            ),
            "#SBATCH --requeue",
            *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
            # Since Slurm 22.05 a step does not inherit this option from its job.
            'export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"',
            f"export PORT=$({shlex.join([python, '-c', _FREE_PORT])})",
            f"exec srun --kill-on-bad-exit=1 sh -c {shlex.quote(f'exec {agent}')}",
            "",
        ]
    )


class SlurmCluster:
    """The back end of a Slurm cluster."""

    name: BackEndName = "slurm"

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        try:
            set_up(settings.slurm, "slurm")
            if shutil.which("sbatch") is None:
                raise InputError("back_end", "slurm", "on_path", command="sbatch")
            run_client("scontrol", "ping")
        except InputError as error:
            return [error]
        except ClientError as error:
            return [InputError("back_end", "slurm", "slurm_silent", message=str(error))]
        return []

    def machine(self, settings: Settings) -> Machine:
        return cluster_machine(set_up(settings.slurm, "slurm"))

    def slots(self, settings: Settings) -> int | None:
        return None

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> SlurmJob:
        cluster = set_up(settings().slurm, "slurm")
        job = run.state.cluster_job or submit(run, cluster, machine)
        return SlurmJob(run, len(ranks_on_nodes(cluster, run)), job)


BACK_END = SlurmCluster()
