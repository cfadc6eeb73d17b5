"""Settings of this installation, in ``settings.toml`` in its home folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self, TypeVar

import tomlkit
from pydantic import AfterValidator, Field, model_validator

from engine.corpora.packages import PACKAGES
from engine.documents import Document, InputError, read_toml, read_toml_table
from engine.facts import accelerator
from engine.files import write_atomically
from engine.paths import DATA_DIR, home_dir
from engine.runs.job import BACK_ENDS, BackEndName, SpendingLimit

Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Name of a host, a partition or a namespace, without characters that a shell or a scheduler could
misread."""
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
    """Address by which the other hosts reach this host."""
    slots: Slots
    """Number of ranks on this host: its GPUs, or its CPU cores."""
    interface: Annotated[str, Field(max_length=15, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """Network interface of ``address``; without it gloo may bind the loopback and hang."""


class Hosts(Document):
    """Machines that see the home folder of this machine under the same path."""

    nodes: Annotated[tuple[Host, ...], Field(min_length=1, max_length=1_000)]
    """The hosts in order; rank 0 runs on the first host."""
    connect: Annotated[tuple[Word, ...], Field(min_length=1)] = (
        "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15",
        "-o", "ServerAliveInterval=15", "{name}",
    )  # fmt: skip
    """Command that makes a host's shell run one line, which is appended as the last word. The words
    may contain ``{name}`` and ``{address}`` of the host."""
    accelerator: AcceleratorName | None = None
    """Accelerator of one slot, by its name in the accelerator table; by default this machine's."""
    project_dir: Word | None = None
    """Folder of the code on the hosts; by default the same path as on this machine."""
    python: Word | None = None
    """Python interpreter on the hosts; by default the same path as on this machine."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [node.name for node in self.nodes]
        for name in names:
            if names.count(name) > 1:
                raise InputError("nodes.name", name, "no_repeats")
        return self


class Slurm(Document):
    """A Slurm cluster."""

    partition: Name | None = None
    account: Name | None = None
    time_limit_minutes: Annotated[int, Field(ge=1, le=10**6)] | None = None
    nodes: Nodes
    """Largest number of nodes of one run."""
    slots_per_node: Slots
    """Number of ranks on one node."""
    accelerator: AcceleratorName | None = None
    """Accelerator of one slot, by its name in the accelerator table; by default this machine's."""
    options: tuple[Word, ...] = ()
    """Further options of ``sbatch``, such as ``--qos=…`` or ``--mem=0``."""
    python: Word | None = None
    """Python interpreter on the nodes; by default the same path as on this machine."""


class Kubernetes(Document):
    """A Kubernetes cluster."""

    namespace: Name = "default"
    image: Word
    """Container image with this project and its environment."""
    project_dir: Word | None = None
    """Folder of the code in the image; by default the image's working folder."""
    python: Word = "python"
    """Python interpreter of the image."""
    volume_claim: Name
    """Persistent volume claim with the home folder, which pods see under the path it has here."""
    nodes: Nodes
    """Largest number of pods of one run."""
    slots_per_node: Slots
    """Number of ranks in one pod."""
    accelerator: AcceleratorName | None = None
    """Accelerator of one slot, by its name in the accelerator table; by default this machine's."""
    gpu_resource: Annotated[str, Field(min_length=1, max_length=253)] = "nvidia.com/gpu"
    """Resource that a slot requests if it is a GPU; a CPU slot requests a core."""


class Settings(Document):
    """The content of ``settings.toml``."""

    monthly_spending_limit_usd: SpendingLimit | None = None
    """Limit on the cost of all runs together in a calendar month (UTC)."""
    slots: Slots | None = None
    """Number of ranks on this machine at a time; by default the number of its devices."""
    corpus_folders: tuple[Word, ...] = ()
    """Further folders from which the app may read texts; a relative path starts at the home folder.
    """
    hosts: Hosts | None = None
    slurm: Slurm | None = None
    kubernetes: Kubernetes | None = None

    @property
    def configured(self) -> tuple[BackEndName, ...]:
        """Back ends on which runs can start; this machine is always among them."""
        return tuple(name for name in BACK_ENDS if name == "local" or getattr(self, name))


_Table = TypeVar("_Table", Hosts, Slurm, Kubernetes)


def set_up(table: _Table | None, name: BackEndName) -> _Table:
    """Return ``table``, the settings of the back end ``name``; InputError if it is None."""
    if table is None:
        raise InputError("back_end", name, "settings_table", table=name)
    return table


def settings_file() -> Path:
    """Return the path of ``settings.toml``."""
    return home_dir() / "settings.toml"


def settings() -> Settings:
    """Return this installation's settings, or the defaults if there is no file.

    Raises
    ------
    InputError
        For the first field that is not allowed.
    """
    path = settings_file()
    return read_toml(path, Settings) if path.is_file() else Settings()


def texts_dir() -> Path:
    """Return the folder of the home folder for texts to train on."""
    return home_dir() / "texts"


def corpus_folders() -> tuple[Path, ...]:
    """Return the real paths of the folders below which the app may read texts to train on.

    They are the texts of the home folder, the project's data, the installed packages of text, and
    the folders that ``settings.toml`` lists. Commands may read any path.

    Raises
    ------
    InputError
        If a field of ``settings.toml`` is not allowed.
    """
    listed = [home_dir() / Path(name).expanduser() for name in settings().corpus_folders]
    installed = [package.folder for package in PACKAGES.values() if package.is_installed]
    return tuple(folder.resolve() for folder in (texts_dir(), DATA_DIR, *listed, *installed))


def change_settings(changes: Mapping[str, object]) -> Settings:
    """Write values into ``settings.toml``, by the names of their fields; None removes a field.

    All other content of the file, including comments, is kept.

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
