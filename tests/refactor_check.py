"""Prove that a refactoring changed no behaviour: ``python -m tests.refactor_check --base REV``.

The check runs one list of commands in two trees, a revision of this repository and the working
tree, and compares everything that the commands print and write, byte for byte. It calls public
command lines only and imports nothing of ``engine`` or ``finance``, because module names move.
``docs/refactoring.md`` describes how it is used.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import fnmatch
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 900
MAX_DIFF_LINES = 20
MAX_DIFF_WIDTH = 160
WINDOW_LINES = 10
STRUCTURED = ("json", "jsonl", "csv", "toml", "bin", "safetensors")
"""Kinds of output that hold no human table; ``--allow-text`` compares only these."""

ENVIRONMENT = {
    "FLOPLEDGER_LANG": "en",
    "COLUMNS": "120",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PYTHONHASHSEED": "0",
    # The order of a sum, and with it the last bit, depends on the number of threads.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DS_ACCELERATOR": "cpu",
}
UNSET = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONHOME", "DATABASE_URL")

RUN_ID = re.compile(rb"\d{8}-\d{6}-[a-z0-9-]*?-[0-9a-f]{4}\b")
NORMALISED = (
    # A run's id holds the second of its start and four random digits.
    (RUN_ID, b"<run>"),
    # `search --json` and `evaluate --json` report how long they took.
    (re.compile(rb'("(?:search_s|wall_time_s)": )[0-9.e+-]+'), rb"\g<1>0"),
    # The manifest of an Open Cap Table package holds the time at which it was written.
    (re.compile(rb'("generated_at": )"[^"]*"'), rb'\1"<time>"'),
)

TIMED_FIELDS = {
    # Fields of metrics.jsonl, result.json and a corpus's report.json that are measured with a
    # clock, or depend on what else the machine does; every other field is compared.
    "time", "step_time_s", "step_time_s_p10", "step_time_s_p90", "steps_time_s", "wall_time_s",
    "tokens_per_s", "achieved_flops_per_s", "peak_flops_per_s", "mfu", "other_load_share",
    "memory_bytes_per_device", "idle_memory_bytes_per_device", "stage_s",
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A CSV file with the first ``n_rows`` rows of a data file of the tree."""

    path: str
    n_rows: int


Word = str | Rows
"""A word of a command. ``data/…`` names a file of the tree, found by its name where it has moved;
``{out}`` is the folder whose files are compared, and ``{run}`` the id of the case's only run."""


@dataclass(frozen=True)
class Output:
    """One thing that a case printed or wrote, after normalisation."""

    kind: str
    """``text``, or a suffix in :data:`STRUCTURED`."""
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Case:
    """Commands that run in both trees, and what is compared of them."""

    name: str
    commands: tuple[tuple[Word, ...], ...]
    kind: str = "text"
    """Format of standard output, as in :class:`Output`."""
    status: int = 0
    """Exit status of the last command; every command before it must end with 0."""
    writes: bool = False
    """Whether a command writes files to ``{out}``."""
    is_training: bool = False
    """Whether it trains: standard output of the first command then reports measured times, and
    what the run wrote is compared in its place."""

    @property
    def has_structured_output(self) -> bool:
        return self.kind in STRUCTURED or self.writes or self.is_training


@dataclass(frozen=True)
class Answer:
    """Outputs of a case in one tree, or the reason why there are none."""

    outputs: dict[str, Output]
    problem: str = ""
    """Reason why the case ended early; empty if it ended as it should."""
    is_absent: bool = False
    """Whether the tree lacks the command, one of its options or an input file."""


@dataclass(frozen=True)
class Row:
    """The verdict on one case."""

    name: str
    n_bytes: int
    verdict: str
    seconds: float
    details: str = ""


class MissingFileError(Exception):
    """A data file that the tree does not have."""


def cases(scenarios: Sequence[str]) -> list[Case]:
    """Every case, the quick ones first.

    Parameters
    ----------
    scenarios
        Names of the sample scenarios, without their suffix.
    """
    found: list[Case] = []

    def add(name: str, *command: Word, **options: Any) -> None:
        found.append(Case(name=name, commands=(command,), **options))

    for name in scenarios:
        path = f"data/scenarios/{name}.toml"
        add(f"forecast-{name}", "engine", "forecast", path)
        add(f"forecast-{name}-json", "engine", "forecast", path, "--json", kind="json")
        add(f"trace-{name}", "engine", "trace", path, "--out", "{out}/trace.json", writes=True)
        add(
            f"finance-{name}", "finance", "run", path,
            "--csv", "{out}/months.csv", "--statements", "{out}/books", writes=True,
        )  # fmt: skip
        add(f"finance-{name}-json", "finance", "run", path, "--json", kind="json")
        add(
            f"captable-{name}", "finance", "captable", path, "--exit", "120M",
            "--csv", "{out}/holders.csv", "--ocf", "{out}/ocf", writes=True,
        )  # fmt: skip
        add(
            f"captable-{name}-json", "finance", "captable", path, "--exit", "40M", "--json",
            kind="json",
        )  # fmt: skip

    measured = "data/measured_throughput.csv"
    add("validate", "engine", "validate", measured, "--worst", "20")
    add("validate-json", "engine", "validate", measured, "--json", kind="json")
    add("predict", "engine", "predict", Rows(measured, 60), "--out", "{out}/p.csv", writes=True)
    add(
        "gpu-hours", "engine", "gpu-hours", Rows("data/whole_runs.csv", 60),
        "--out", "{out}/hours.csv", writes=True,
    )  # fmt: skip

    search = ("engine", "search", "--model", "Llama-3-70B", "--accelerator", "H100-80GB")
    add("search", *search, "--devices", "64")
    add("search-json", *search, "--devices", "64", "--limit", "200", "--json", kind="json")
    add(
        "search-experts", "engine", "search", "--model", "Mixtral-8x7B", "--accelerator",
        "A100-80GB", "--devices", "128", "--limit", "50", "--json", kind="json",
    )  # fmt: skip

    ladder = "data/ladder_cpu.csv"
    resampled = ("--bootstrap", "20", "--seed", "1")
    points = ("--predict", Rows(ladder, 60), "--out", "{out}/losses.csv")
    add("fit", "engine", "fit", ladder, *resampled, *points, writes=True)
    add("fit-json", "engine", "fit", ladder, *resampled, "--json", kind="json")
    add(
        "fit-repeated", "engine", "fit", "data/scaling/datablations.csv",
        "--law", "data_constrained", *resampled, "--json", kind="json",
    )  # fmt: skip
    add("backtest-json", "engine", "backtest", "--json", kind="json")

    add(
        "safe-json",
        "finance",
        "safe",
        "--amount",
        "200K,800K",
        "--cap",
        "4M,8M",
        "--json",
        kind="json",
    )
    add("pro-rata", "finance", "pro-rata", "--new", "20%", "--with-right", "10%")
    add(
        "loan-json", "finance", "loan", "--rate", "0.8%", "--amount", "1M", "--periods", "36",
        "--balloon", "200K", "--schedule", "--json", kind="json",
    )  # fmt: skip
    add(
        "serving-day", "finance", "serving-day", "--nodes", "226.75", "--usd-per-gpu-hour", "2",
        "--output-tokens", "168B", "--output-price", "2.19",
    )  # fmt: skip
    add("rented-hours", "finance", "gpu-hours", "2.664M", "119K", "5K", "--usd-per-gpu-hour", "2")

    add("recipe", "engine", "recipe", "data/recipes/depth.toml", kind="toml")
    # Bad input ends with status 2 and one line that names the field.
    add("bad-precision", *search, "--devices", "64", "--precision", "fp7", status=2)
    add(
        "bad-exit", "finance", "captable", "data/scenarios/startup-1b.toml", "--exit", "much",
        status=2,
    )  # fmt: skip

    found.append(
        Case(
            name="training",
            commands=(
                ("engine", "train", "data/recipes/smoke.toml"),
                ("engine", "generate", "{run}", "--prompt", "The people", "--seed", "1"),
                ("engine", "evaluate", "{run}", "--questions", "20", "--json"),
            ),
            is_training=True,
        )
    )
    return found


class Tree:
    """One of the two trees, with a scratch folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "tree"
        self.code.mkdir(parents=True)

    def scenarios(self) -> set[str]:
        return {path.stem for path in self.code.glob("data/**/scenarios/*.toml")}

    def answer(self, case: Case) -> Answer:
        """Run the commands of ``case`` with a home folder of their own."""
        scratch = self.folder / case.name
        out, home = scratch / "out", scratch / "home"
        out.mkdir(parents=True)
        home.mkdir()
        printed: dict[str, Output] = {}
        for number, words in enumerate(case.commands, 1):
            is_last = number == len(case.commands)
            try:
                command = [self._word(word, scratch) for word in words]
            except MissingFileError as error:
                return Answer({}, f"{error} is missing", is_absent=True)
            done = self._run(command, home)
            expected = case.status if is_last else 0
            if done.returncode != expected:
                lines = [f"`python -m {' '.join(command)}` ended with status {done.returncode}"]
                lines += done.stderr.decode("utf-8", "replace").splitlines()[-5:]
                is_absent = self._lacks(command, home)
                return Answer({}, "\n".join(lines), is_absent)
            if case.is_training and number == 1:
                continue
            of = f" of {command[1]}" if len(case.commands) > 1 else ""
            kind = "json" if "--json" in command else case.kind
            printed[f"standard output{of}"] = self._output(kind, done.stdout)
            # DeepSpeed and PyTorch log times and process ids to standard error.
            if not case.is_training:
                printed["standard error"] = self._output("text", done.stderr)
        outputs = printed | {
            path.relative_to(out).as_posix(): self._output(path.suffix[1:], path.read_bytes())
            for path in _files(out)
        }
        if case.is_training:
            outputs |= self._training(home)
        return Answer(outputs)

    def _word(self, word: Word, scratch: Path) -> str:
        if isinstance(word, Rows):
            with self._data_file(word.path).open(encoding="utf-8", newline="") as file:
                rows = list(itertools.islice(csv.reader(file), word.n_rows + 1))
            target = scratch / Path(word.path).name
            with target.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
            return str(target)
        if word.startswith("data/"):
            return str(self._data_file(word).relative_to(self.code))
        if word == "{run}":
            (metrics,) = scratch.glob("home/**/metrics.jsonl")
            return metrics.parent.name
        return word.replace("{out}", str(scratch / "out"))

    def _data_file(self, path: str) -> Path:
        if (self.code / path).is_file():
            return self.code / path
        moved = sorted((self.code / "data").rglob(Path(path).name))
        if len(moved) != 1:
            raise MissingFileError(path)
        return moved[0]

    def _run(self, command: Sequence[str], home: Path) -> subprocess.CompletedProcess[bytes]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in UNSET and not name.startswith("FLOPLEDGER_")
        }
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.code,
            env=kept | ENVIRONMENT | {"FLOPLEDGER_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def _lacks(self, command: Sequence[str], home: Path) -> bool:
        """Whether the tree has no such command, or the command no such option."""
        shown = self._run([*command[:2], "--help"], home)
        options = {word for word in command if word.startswith("--")}
        known = set(re.findall(r"--[a-z][a-z-]*", shown.stdout.decode("utf-8", "replace")))
        return shown.returncode != 0 or not options <= known

    def _output(self, kind: str, data: bytes) -> Output:
        # Both trees lie at paths of one length, so no table is laid out differently for it.
        data = data.replace(os.fsencode(self.folder), b"<folder>")
        if kind not in ("bin", "safetensors"):
            for pattern, replacement in NORMALISED:
                data = pattern.sub(replacement, data)
        return Output(kind if kind in STRUCTURED else "text", data)

    def _training(self, home: Path) -> dict[str, Output]:
        """Files of the case's run, without the fields that depend on a clock."""
        (metrics,) = home.glob("**/metrics.jsonl")
        run = metrics.parent
        lines = [json.loads(line) for line in metrics.read_bytes().splitlines()]
        outputs = {
            "metrics.jsonl": Output("jsonl", b"".join(_json(_untimed(line)) for line in lines)),
            "result.json": Output("json", _json(_untimed(_read_json(run / "result.json")))),
            "recipe.toml": self._output("toml", (run / "recipe.toml").read_bytes()),
        }
        for path in _files(run / "model"):
            name = path.relative_to(run).as_posix()
            outputs[name] = self._output(path.suffix[1:], path.read_bytes())
        for path in _files(home / "corpora"):
            name = path.relative_to(home).as_posix()
            outputs[name] = (
                Output("json", _json(_untimed(_read_json(path))))
                if path.name == "report.json"
                else self._output(path.suffix[1:], path.read_bytes())
            )
        return outputs


def compare(case: Case, base: Tree, work: Tree, *, allow_text: bool = False) -> Row:
    """Run ``case`` in both trees and compare what it gave."""
    start = time.monotonic()
    # Two trainings at once would share the cores: they follow each other.
    with ThreadPoolExecutor(1 if case.is_training else 2) as pool:
        before, after = pool.map(lambda tree: tree.answer(case), (base, work))
    seconds = time.monotonic() - start
    if after.problem:
        return Row(case.name, 0, "fails", seconds, f"working tree: {after.problem}")
    n_bytes = sum(len(output.data) for output in after.outputs.values())
    if before.is_absent:
        return Row(case.name, n_bytes, "not in base", seconds)
    if before.problem:
        return Row(case.name, n_bytes, "differs", seconds, f"base: {before.problem}")
    old, new = before.outputs, after.outputs
    if allow_text:
        old, new = _without_wording(old), _without_wording(new)
    n_bytes = sum(len(output.data) for output in new.values())
    if n_bytes == 0:
        return Row(case.name, 0, "fails", seconds, "The case has no output to compare.")
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not names:
        return Row(case.name, n_bytes, "same", seconds)
    lines = [line for name in names for line in _diff(name, old, new)]
    shown = [line[:MAX_DIFF_WIDTH] for line in lines[:MAX_DIFF_LINES]]
    details = "\n".join([f"These differ: {', '.join(names)}", *shown])
    return Row(case.name, n_bytes, "differs", seconds, details)


def _diff(name: str, old: dict[str, Output], new: dict[str, Output]) -> Iterator[str]:
    if name not in old or name not in new:
        yield f"{name}: only in {'base' if name in old else 'the working tree'}"
        return
    before, after = old[name].data, new[name].data
    try:
        left, right = before.decode("utf-8"), after.decode("utf-8")
    except UnicodeDecodeError:
        hashes = [hashlib.sha256(data).hexdigest()[:16] for data in (before, after)]
        yield f"{name}: {len(before):,} bytes {hashes[0]}, then {len(after):,} bytes {hashes[1]}"
        return
    lines = left.splitlines(), right.splitlines()
    first = column = 0
    for line, other in zip(*lines, strict=False):
        if line != other:
            # Lines of a wide table are shown from shortly before the first difference.
            pairs = enumerate(zip(line, other, strict=False))
            differing = (place for place, (a, b) in pairs if a != b)
            column = max(0, next(differing, min(len(line), len(other))) - MAX_DIFF_WIDTH // 4)
            break
        first += 1
    start = max(0, first - 2)
    # A short window shows old and new lines together, and keeps long files quick.
    window = [side[start : start + WINDOW_LINES] for side in lines]
    if max(map(len, itertools.chain(*window)), default=0) > MAX_DIFF_WIDTH:
        window = [[line[column:] for line in side] for side in window]
    changes = list(difflib.unified_diff(window[0], window[1], lineterm="", n=2))
    yield f"{name}, from line {start + 1}:"
    yield from changes[2:] or ["Only the line ends differ."]


def _without_wording(outputs: dict[str, Output]) -> dict[str, Output]:
    """Structured outputs alone, with texts reduced to the numbers in them."""
    return {
        name: Output(output.kind, _numbers_and_keys(output))
        for name, output in outputs.items()
        if output.kind in STRUCTURED
    }


def _numbers_and_keys(output: Output) -> bytes:
    try:
        text = output.data.decode("utf-8")
        if output.kind == "json":
            return _json(_unworded(json.loads(text)))
        if output.kind == "jsonl":
            return b"".join(_json(_unworded(json.loads(line))) for line in text.splitlines())
        if output.kind == "toml":
            return _json(_unworded(tomllib.loads(text)))
        if output.kind == "csv":
            return b"".join(_json(_unworded(row)) for row in csv.reader(io.StringIO(text)))
    except ValueError:
        pass  # what cannot be parsed is compared as it is
    return output.data


def _unworded(value: Any) -> Any:
    """``value`` with each string that contains a space reduced to its numbers, sorted."""
    if isinstance(value, dict):
        return {key: _unworded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unworded(item) for item in value]
    if isinstance(value, str) and " " in value.strip():
        return sorted(number.rstrip(".,") for number in re.findall(r"\d[\d.,]*", value))
    return value


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(item) for key, item in value.items() if key not in TIMED_FIELDS}
    return value


def _read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str).encode() + b"\n"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, check=True).stdout


def extract(root: Path, revision: str, target: Path) -> None:
    """Write the files of ``revision`` to ``target``; the repository itself is only read."""
    archive = _git(root, "archive", "--format=tar", revision)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")


def copy_working_tree(root: Path, target: Path) -> None:
    """Copy what git tracks or would track, so that edits during the check do not matter."""
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in sorted(set(os.fsdecode(listed).split("\0")) - {""}):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)


def main(
    arguments: Sequence[str] | None = None,
    root: Path = ROOT,
    make_cases: Callable[[Sequence[str]], list[Case]] = cases,
) -> int:
    """Run the check and return its exit status: 0 only if no case differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.refactor_check", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="revision to compare with")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="run the cases of this name; * is allowed"
    )
    parser.add_argument("--no-training", action="store_true", help="leave out the training run")
    parser.add_argument(
        "--allow-text",
        action="store_true",
        help="compare the numbers and keys of JSON, CSV and TOML only, and no wording",
    )
    chosen = parser.parse_args(arguments)
    try:
        revision = _git(root, "rev-parse", "--verify", f"{chosen.base}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        parser.error(f"--base {chosen.base}: git knows no such revision")

    # A system's temporary folder may be a link, which a command would print resolved.
    with tempfile.TemporaryDirectory(prefix="refactor-check-") as made:
        folder = Path(made).resolve()
        base, work = Tree(folder / "base"), Tree(folder / "work")
        extract(root, revision, base.code)
        copy_working_tree(root, work.code)
        selected = [
            case
            for case in make_cases(sorted(base.scenarios() | work.scenarios()))
            if (not chosen.only or any(fnmatch.fnmatch(case.name, name) for name in chosen.only))
            and not (chosen.no_training and case.is_training)
        ]
        if not selected:
            parser.error("no case is left to run")
        compared = [c for c in selected if c.has_structured_output or not chosen.allow_text]
        print(f"The working tree is compared with {chosen.base} ({revision[:10]}).", flush=True)
        rows = []
        for case in compared:
            row = compare(case, base, work, allow_text=chosen.allow_text)
            rows.append(row)
            print(
                f"{row.name:<28}{row.n_bytes:>14,} bytes  {row.verdict:<12}{row.seconds:>6.1f} s",
                flush=True,
            )
            for line in row.details.splitlines():
                print(f"    {line}", flush=True)
    if len(compared) < len(selected):
        print(f"{len(selected) - len(compared)} cases print text only and were left out.")
    n_same = sum(row.verdict == "same" for row in rows)
    n_absent = sum(row.verdict == "not in base" for row in rows)
    n_differ = len(rows) - n_same - n_absent
    absent = f", {n_absent} not in base" if n_absent else ""
    print(f"{len(rows)} cases: {n_same} same, {n_differ} differ{absent}")
    return 1 if n_differ else 0


if __name__ == "__main__":
    sys.exit(main())
