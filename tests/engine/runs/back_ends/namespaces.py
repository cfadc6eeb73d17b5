"""Two network namespaces of this machine, joined by a virtual cable that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

LACKS = "" if os.geteuid() == 0 and shutil.which("ip") else "network namespaces take root and ip"

_SETTINGS = """
[hosts]
connect = ["ip", "netns", "exec", "{{name}}", "sh", "-c"]
nodes = [
  {{name = "{0}", address = "10.77.0.1", slots = 1}},
  {{name = "{1}", address = "10.77.0.2", slots = 1}},
]
"""


class TwoMachines:
    def __init__(self) -> None:
        self.names = [f"flop{os.getpid()}{side}" for side in "ab"]
        self._plugs = [f"v{os.getpid()}{side}" for side in "ab"]

    def build(self) -> None:
        for name in self.names:
            _ip("netns", "add", name)
        (first, second), (plug, other_plug) = self.names, self._plugs
        _ip(
            *("link", "add", plug, "netns", first, "type", "veth"),
            *("peer", other_plug, "netns", second),
        )
        for number, (name, plug) in enumerate(zip(self.names, self._plugs, strict=True), 1):
            _ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", plug)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", plug, "up")

    def remove(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def configure(self, home: Path) -> None:
        (home / "settings.toml").write_text(_SETTINGS.format(*self.names), "utf-8")

    def pull_cable(self) -> None:
        _ip("-n", self.names[0], "link", "set", self._plugs[0], "down")

    def plug_in(self) -> None:
        _ip("-n", self.names[0], "link", "set", self._plugs[0], "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
