"""What this installation has and allows: ``settings.toml`` in its home folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self, TypeVar

import tomlkit
from pydantic import AfterValidator, Field, model_validator

from engine.documents import Document, InputError, read_toml, read_toml_table
from engine.facts import accelerator
from engine.files import write_atomically
from engine.paths import home_dir
from engine.runs.job import BACK_ENDS, BackEndName, SpendingLimit

Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Of a host, a partition, a namespace: nothing that a shell or a scheduler could take for
something else."""
Word = Annotated[str, Field(min_length=1, max_length=4_096)]
Slots = Annotated[int, Field(ge=1, le=1_024)]
Nodes = Annotated[int, Field(ge=1, le=10_000)]


def _known_accelerator(name: str) -> str:
    return accelerator(name, field="").accelerator


AcceleratorName = Annotated[str, Field(max_length=100), AfterValidator(_known_accelerator)]


class Host(Document):
    """One machine of a list of hosts."""

    name: Name
    address: Name
    """By which the others reach it."""
    slots: Slots
    """Ranks that run there: its GPUs, or its CPU cores."""
    interface: Annotated[str, Field(max_length=15, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """Network interface of ``address``; without it gloo may bind the loopback and hang."""


class Hosts(Document):
    """Machines that see the home folder of this one, under the same path."""

    nodes: Annotated[tuple[Host, ...], Field(min_length=1, max_length=1_000)]
    """The first one has rank 0."""
    connect: Annotated[tuple[Word, ...], Field(min_length=1)] = (
        "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15",
        "-o", "ServerAliveInterval=15", "{name}",
    )  # fmt: skip
    """The command that has a host's shell run one line, which comes as its last word; ``{name}``
    and ``{address}`` are the host's."""
    accelerator: AcceleratorName | None = None
    """What one slot is, by the accelerator table; the same as on this machine if not said."""
    project_dir: Word | None = None
    """Where the code lies there; as here if not said."""
    python: Word | None = None
    """The interpreter there; as here if not said."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [node.name for node in self.nodes]
        for name in names:
            if names.count(name) > 1:
                raise InputError("nodes.name", name, "no_repeats")
        return self


class Slurm(Document):
    partition: Name | None = None
    account: Name | None = None
    time_limit_minutes: Annotated[int, Field(ge=1, le=10**6)] | None = None
    nodes: Nodes
    """Which a run can have at most."""
    slots_per_node: Slots
    """Ranks on one node."""
    accelerator: AcceleratorName | None = None
    """What one slot is, by the accelerator table; the same as on this machine if not said."""
    options: tuple[Word, ...] = ()
    """Further ones of ``sbatch``, such as ``--qos=…`` or ``--mem=0``."""
    python: Word | None = None
    """The interpreter there; as here if not said."""


class Kubernetes(Document):
    namespace: Name = "default"
    image: Word
    """Holds this project and its environment."""
    project_dir: Word | None = None
    """Where the image has the code; the folder that it starts in if not said."""
    python: Word = "python"
    """The image's interpreter."""
    volume_claim: Name
    """Persistent volume claim with the home folder, which pods see under the path it has here."""
    nodes: Nodes
    """Pods that a run can have at most."""
    slots_per_node: Slots
    """Ranks in one pod."""
    accelerator: AcceleratorName | None = None
    """What one slot is, by the accelerator table; the same as on this machine if not said."""
    gpu_resource: Annotated[str, Field(min_length=1, max_length=253)] = "nvidia.com/gpu"
    """What a slot asks for where it is a GPU; a CPU core otherwise."""


class Settings(Document):
    monthly_spending_limit_usd: SpendingLimit | None = None
    """What all runs together may cost in a calendar month (UTC)."""
    slots: Slots | None = None
    """Ranks that run on this machine at a time; its devices if not said."""
    hosts: Hosts | None = None
    slurm: Slurm | None = None
    kubernetes: Kubernetes | None = None

    @property
    def configured(self) -> tuple[BackEndName, ...]:
        """Back ends that runs may be sent to; this machine always is one."""
        return tuple(name for name in BACK_ENDS if name == "local" or getattr(self, name))


_Table = TypeVar("_Table", Hosts, Slurm, Kubernetes)


def set_up(table: _Table | None, name: BackEndName) -> _Table:
    """What the settings say of the back end ``name``; InputError if nothing."""
    if table is None:
        raise InputError("back_end", name, "settings_table", table=name)
    return table


def settings_file() -> Path:
    return home_dir() / "settings.toml"


def settings() -> Settings:
    """This installation's settings; the defaults where nobody has written any.

    Raises
    ------
    InputError
        For the first field that is not allowed.
    """
    path = settings_file()
    return read_toml(path, Settings) if path.is_file() else Settings()


def change_settings(changes: Mapping[str, object]) -> Settings:
    """Put values into ``settings.toml``, by the names of their fields; None takes a field out.
    Whatever else stands there, comments too, stays.

    Raises
    ------
    InputError
        For the first field that is not allowed; the file is then as it was.
    """
    path = settings_file()
    table = read_toml_table(path) if path.is_file() else {}
    changed = Settings.parse({**table, **changes})
    document = tomlkit.parse(path.read_text("utf-8")) if path.is_file() else tomlkit.document()
    for name, value in changes.items():
        if value is None:
            document.pop(name, None)
        else:
            document[name] = value
    write_atomically(path, tomlkit.dumps(document))
    return changed
