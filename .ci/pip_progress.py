"""Show how far ``pip install`` is: one line a package, with the seconds since the start.

``pip install … | python .ci/pip_progress.py`` reads pip's output and prints the packages that pip
fetches and the moment when it begins to install. Lines that pip prints about packages that are
there already are left out.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator

_FETCHED = re.compile(r"\s*(?:Downloading|Processing|Using cached) (?:\S*/)?(\S+?)(?:\s\((.+)\))?$")
"""The name of a file, then its size or the package that asked for it."""
_SILENCE_S = 15.0
"""Seconds between two signs of life."""
_INSTALLING = re.compile(r"Installing collected packages: (.+)")


def progress_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines to show for the lines of pip's output."""
    n_fetched = 0
    for line in lines:
        if found := _FETCHED.match(line.rstrip()):
            n_fetched += 1
            name, detail = found[1].split("-")[0], found[2] or ""
            yield f"{n_fetched:4d}  {name}" + (f" ({detail})" if detail.endswith("B") else "")
        elif found := _INSTALLING.match(line):
            yield f"      installing {found[1].count(',') + 1} packages (a minute or two) ..."
        elif line.startswith("Successfully installed"):
            yield "      packages are installed"


def main() -> None:
    started = time.monotonic()
    ended = threading.Event()

    def show(line: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s {line}", flush=True)

    def show_that_it_works() -> None:
        while not ended.wait(_SILENCE_S):
            show("      still at work ...")

    threading.Thread(target=show_that_it_works, daemon=True).start()
    for line in progress_lines(sys.stdin):
        show(line)
    ended.set()


if __name__ == "__main__":
    main()
