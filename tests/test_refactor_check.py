"""Test that the refactor check reports what changed, on a small repository made for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import refactor_check
from tests.refactor_check import ROOT, Case, Tree, cases

pytestmark = pytest.mark.slow

_PROGRAM = """
import json, sys
from pathlib import Path
if "--help" in sys.argv:
    print("--json --out")
elif sys.argv[1] not in COMMANDS:
    sys.exit(2)
elif "--json" in sys.argv:
    print(json.dumps({"value": VALUE, "note": f"It is {VALUE} in all."}))
else:
    Path(sys.argv[3]).write_text(f"name,value\\nfirst one,{VALUE}\\n")
    print(f"The value is {VALUE}.")
"""


def _write(root: Path, *, value: int = 1, commands: str = "show", text: str = "in all") -> None:
    program = _PROGRAM.replace("VALUE", str(value)).replace("COMMANDS", repr(commands.split()))
    program = program.replace('if "--help"', f'if sys.argv[1] in {commands.split()} and "--help"')
    (root / "engine").mkdir(exist_ok=True)
    (root / "engine" / "__main__.py").write_text(program.replace("in all", text), "utf-8")


def _cases(_scenarios: object) -> list[Case]:
    return [
        Case(name="json", commands=(("engine", "show", "--json"),), kind="json"),
        Case(name="table", commands=(("engine", "show", "--out", "{out}/t.csv"),), writes=True),
    ]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one revision of a tiny ``engine``."""
    root = tmp_path / "repository"
    root.mkdir()
    _write(root)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (
        ("init", "-q"),
        ("add", "."),
        (*identity, "commit", "-qm", "Add an engine"),
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def _check(root: Path, *options: str) -> int:
    return refactor_check.main(["--base", "HEAD", *options], root, _cases)


def test_an_unchanged_tree_is_the_same(repository, capsys) -> None:
    assert _check(repository) == 0
    assert "2 cases: 2 same, 0 differ" in capsys.readouterr().out


def test_a_changed_number_differs_with_its_lines(repository, capsys) -> None:
    _write(repository, value=2)
    assert _check(repository) == 1
    printed = capsys.readouterr().out
    assert "These differ: standard output, t.csv" in printed
    assert "-first one,1" in printed
    assert "+first one,2" in printed
    assert "2 cases: 0 same, 2 differ" in printed
    assert _check(repository, "--allow-text") == 1


def test_changed_wording_differs_unless_it_is_allowed(repository, capsys) -> None:
    _write(repository, text="altogether")
    assert _check(repository) == 1
    assert _check(repository, "--allow-text") == 0
    assert _check(repository, "--only", "tab*") == 0
    assert "1 cases: 1 same" in capsys.readouterr().out


def test_a_command_that_base_lacks_is_no_failure(repository, capsys) -> None:
    _write(repository, commands="show more")

    def with_more(scenarios: object) -> list[Case]:
        more = Case(name="more", commands=(("engine", "more", "--json"),), kind="json")
        return [*_cases(scenarios), more]

    assert refactor_check.main(["--base", "HEAD"], repository, with_more) == 0
    assert "3 cases: 2 same, 0 differ, 1 not in base" in capsys.readouterr().out


def test_a_command_that_the_working_tree_lost_is_a_failure(repository, capsys) -> None:
    _write(repository, commands="more")
    assert _check(repository) == 1
    assert "ended with status 2" in capsys.readouterr().out


def test_an_unknown_revision_is_refused(repository, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        refactor_check.main(["--base", "no-such"], repository, _cases)
    assert end.value.code == 2
    assert "no-such" in capsys.readouterr().err


def test_every_command_of_the_check_exists(tmp_path) -> None:
    """A case whose command is gone would otherwise be noticed at the next refactoring only."""
    tree = Tree(tmp_path)
    tree.code.rmdir()
    tree.code = ROOT
    scenarios = sorted(tree.scenarios())
    assert scenarios
    commands: dict[tuple[str, str], set[str]] = {}
    for case in cases(scenarios):
        for words in case.commands:
            texts = [word for word in words if isinstance(word, str)]
            commands.setdefault((texts[0], texts[1]), set()).update(texts[2:])
            for word in words:
                path = word if isinstance(word, str) else word.path
                if path.startswith("data/"):
                    assert (ROOT / path).is_file(), path
    for (module, name), words in commands.items():
        shown = subprocess.run(
            [sys.executable, "-m", module, name, "--help"], cwd=ROOT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        for option in sorted(word for word in words if word.startswith("--")):
            assert option in shown.stdout, (name, option)
