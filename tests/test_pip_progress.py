"""The set-up shows what pip does, from pip's own output."""

from __future__ import annotations

import importlib.util

from engine.paths import PROJECT_DIR

_SPEC = importlib.util.spec_from_file_location(
    "pip_progress", PROJECT_DIR / ".ci" / "pip_progress.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
pip_progress = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(pip_progress)

OUTPUT = """\
Looking in indexes: https://pypi.org/simple
Requirement already satisfied: six in ./.venv/lib (1.17.0)
Collecting pandas==3.1.*
  Downloading pandas-3.1.1-cp311-cp311-manylinux_2_28_x86_64.whl (12.4 MB)
     ━━━━━━━━━━━━━━ 12.4/12.4 MB 86.6 MB/s eta 0:00:00
Collecting numpy>=1.26 (from pandas==3.1.*)
  Using cached numpy-2.4.1-cp311-cp311-manylinux_2_28_x86_64.whl (16.9 MB)
Processing /opt/wheels/torch-2.13.0-cp311-none-linux_x86_64.whl (from -r requirements.txt (line 19))
Installing collected packages: numpy, torch, pandas
Successfully installed numpy-2.4.1 pandas-3.1.1 torch-2.13.0
"""


def test_each_fetched_package_has_a_line_and_the_installation_is_announced() -> None:
    assert list(pip_progress.progress_lines(OUTPUT.splitlines(keepends=True))) == [
        "   1  pandas (12.4 MB)",
        "   2  numpy (16.9 MB)",
        "   3  torch",
        "      installing 3 packages (a minute or two) ...",
        "      packages are installed",
    ]
