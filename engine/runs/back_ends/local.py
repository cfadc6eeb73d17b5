"""This machine: DeepSpeed's own launcher, as a child of the supervisor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.documents import InputError
from engine.machine import Machine, this_machine
from engine.runs.back_ends.deepspeed_launcher import (
    Launcher,
    free_port,
    launcher_command,
    training_environment,
)
from engine.runs.folder import Run
from engine.runs.job import BackEndName
from engine.runs.settings import Settings


class Local:
    name: BackEndName = "local"

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        return []

    def machine(self, settings: Settings) -> Machine:
        return this_machine()

    def slots(self, settings: Settings) -> int | None:
        return settings.slots or this_machine().n_devices

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> Launcher:
        slots = run.state.slots
        command = training_command(run.folder, slots, free_port(), machine)
        everything = {**environment, **training_environment(machine)}
        return Launcher(run, command, everything, len(slots))


BACK_END = Local()


def training_command(
    folder: Path, slots: Sequence[int], port: int | str, machine: Machine
) -> list[str]:
    """The launcher's command line for ranks on ``slots`` of this machine.

    A GPU is taken by its number; a core is taken by whoever computes.
    """
    if machine.has_gpu:
        where = ["--include", f"localhost:{','.join(map(str, slots))}"]
    else:
        where = ["--num_gpus", str(len(slots))]
    return launcher_command([*where, "--master_port", str(port)], folder)
