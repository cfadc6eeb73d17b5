"""A real Slurm cluster of two nodes, both on this machine, in a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from engine.runs.back_ends.deepspeed_launcher import free_port
from engine.runs.folder import Run
from engine.runs.processes import processes_of

_NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")
LACKS = (
    ""
    if os.geteuid() == 0 and all(map(shutil.which, _NEEDED))
    else "a Slurm cluster takes root, slurm-wlm and munge"
)
NODES = ("n1", "n2")
_NODE = "SLURMD_NODENAME"
_PATIENCE_S = 120

# Slurm takes a lost node back as soon as its slurmd runs again.
_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/ended
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=main Nodes=ALL Default=YES State=UP
"""


class SlurmTestCluster:
    def __init__(self, folder: Path) -> None:
        self.folder, self.configuration = folder, folder / "slurm.conf"
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for name in ("state", *NODES):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        ports = [free_port() for _ in range(3)]
        self.configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, host=socket.gethostname(), ports=ports, nodes=NODES
            )
        )
        self._daemon(
            "munged", "munged", "--foreground", "--force", f"--key-file={key}",
            f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        self._daemon("slurmctld", "slurmctld", "-D")
        for name in NODES:
            self.start_node(name)
        self.wait_until(lambda: self.node_states() == ["idle", "idle"])

    def stop(self) -> None:
        with suppress(subprocess.SubprocessError):
            self.run_client("scancel", "--user=root")
            self.wait_until(lambda: not self.run_client("squeue", "--noheader"))
        for daemon in reversed(self._daemons.values()):
            daemon.kill()
            daemon.wait()

    def start_node(self, name: str) -> None:
        self._daemon(name, "slurmd", "-D", "-N", name)

    def lose_node(self, name: str, run: Run) -> None:
        """Kill all processes of a node, as a power failure does, and mark the node as down."""
        tasks = [
            process for process in processes_of(run) if _environment(process).get(_NODE) == name
        ]
        above = {parent for task in tasks for parent in task.parents()}
        steps = [process for process in above if process.name() == "slurmstepd"]
        self._daemons.pop(name).kill()
        for process in [*steps, *tasks]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.run_client("scontrol", "update", f"nodename={name}", "state=down", "reason=lost")

    def node_states(self) -> list[str]:
        return self.run_client("sinfo", "--noheader", "--Node", "--format=%T").split()

    def job_state(self, job: str | None) -> str:
        return self.run_client(
            "squeue", "--noheader", f"--jobs={job}", "--states=all", "--format=%T"
        )

    def run_client(self, *command: str) -> str:
        environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        return subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True,
            timeout=_PATIENCE_S,
        ).stdout.strip()  # fmt: skip

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(subprocess.CalledProcessError):  # the controller does not answer yet
                if condition():
                    return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def _daemon(self, name: str, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                command,
                env=os.environ | {"SLURM_CONF": str(self.configuration)},
                stdout=log,
                stderr=log,
            )


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # the process has ended
        return {}
