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
    """The back end of this machine."""

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
        environment = {**environment, **training_environment(machine)}
        return Launcher(run, command, environment, len(slots))


BACK_END = Local()


def training_command(
    folder: Path, slots: Sequence[int], port: int | str, machine: Machine
) -> list[str]:
    """Return the launcher's command for ranks on ``slots`` of this machine.

    Each slot is the number of a GPU. On CPU only the number of slots counts: the kernel chooses
    the cores.
    """
    if machine.has_gpu:
        options = ["--include", f"localhost:{','.join(map(str, slots))}"]
    else:
        options = ["--num_gpus", str(len(slots))]
    return launcher_command([*options, "--master_port", str(port)], folder)
