"""Tests of ``.ci/check_voice.py``, the check of the project's English."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "check_voice.py"


def load() -> ModuleType:
    """Import the script, which is in no package."""
    spec = importlib.util.spec_from_file_location("check_voice", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


voice = load()


def findings(source: str, kind: str = ".py") -> list[tuple[int, str, str]]:
    """Check a text; return line, rule and pattern of each finding."""
    report = voice.Report()
    voice.check_text(source, kind, "a" + kind, report)
    return [(each.line, each.rule, each.pattern) for each in report.findings]


def docstring_rules(text: str) -> list[str]:
    """Return the rules that a docstring breaks."""
    return [rule for rule, _, _ in voice.check_docstring(text)]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the script as a command."""
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "text",
    [
        "Of a checkpoint.",
        "Of every step of the recipe, where its ranks are on this machine and nothing happens.",
        "Of one run, read from its folder.",
        "As :func:`run_time`, with the spread of the published failure rates.",
        "By what ``progress`` has read of the run.",
        "Of the runs that are over.",
        "From month 1 on; nobody pays, so that what is left is what compute costs.",
        "From which it is loaded.",
        "With what they bought in addition (NRR); above 1 the base grows.",
        "On one device, for one of its sequences.",
        "For how long what goes on may still go on.",
        "Before training is begun: what nodes said says nothing of this.",
        "Per device.",
        "At most.",
        "That it converts into at its cap; 0 without one.",
        "Not yet exercised.",
    ],
)
def test_docstring_without_a_main_verb_is_a_fragment(text: str) -> None:
    assert docstring_rules(text) == ["fragment"]


@pytest.mark.parametrize(
    "text",
    [
        "Size of one checkpoint, in bytes.",
        "Return the folder of the newest run.",
        "A run ends within 15 s.",
        "Whether the layout fits.",
        "At most ``most`` of ``n`` places, the first and the last among them.",
        "Over 90% of the time.",
        "After a two-minute profile, the median error was 3.9%.",
        "With α = β and A = B the optimum has N = D, by symmetry.",
        "With slow all-reduces, many devices read a prompt soonest.",
        "Between two rates at which the present value has different signs a root must exist.",
        "Of the checkpoints up to ``step``, keep the newest.",
        "In that month the company has no money.",
        "``python -m engine forecast`` prints the forecast of a plan.",
        "",
    ],
)
def test_sentences_and_noun_phrases_pass(text: str) -> None:
    assert docstring_rules(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "What it asks of all ranks.",
        "How many steps are left.",
        "Who converts, and at what price.",
        "Why a run failed.",
        "Where documents come from: files of text, lines of JSON.",
        "When most adopt: t* = ln(q/p)/(p + q), at once where q ≤ p.",
        "whose name it has",
    ],
)
def test_docstring_led_by_a_question_word(text: str) -> None:
    assert docstring_rules(text) == ["what-docstring"]


@pytest.mark.parametrize(
    "text",
    [
        "What does a budget buy?",
        "When does the money run out?",
        "Where the run has a deadline, the launcher stops it in time.",
    ],
)
def test_questions_and_main_clauses_after_where_pass(text: str) -> None:
    assert docstring_rules(text) == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("nobody waits", "nobody"),
        ("Somebody else's model", "somebody"),
        ("Whoever cancels", "whoever"),
        ("whatever the model", "whatever"),
        ("a copy of the one that was read", "this/that/the/another/each one"),
        ("another run than this one.", "this/that/the/another/each one"),
        ("after this one's end", "this/that/the/another/each one"),
        ("A run is stopped; one that fails is listed.", "one (a person or thing)"),
        ("a fit on one's own runs", "one (a person or thing)"),
        ("the value as it stands", "stands"),
        ("where they stand in the table", "stands"),
        ("it is told to end", "told"),
        ("what becomes\nof a fault", "becomes of"),
        ("drawn anew", "anew"),
        ("a model foretells", "foretell"),
        ("gone for good", "for good"),
        ("after so many days", "so many"),
        ("and besides", "besides"),
        ("in another mood", "another mood"),
    ],
)
def test_words(text: str, pattern: str) -> None:
    assert [each.pattern for each in voice.check_words(text, 1, "a.md")] == [pattern]


@pytest.mark.parametrize(
    "text",
    [
        "one of the runs",
        "one row, one core",
        "the one process that owns a run",
        "this one machine",
        "each one-year contract",
        "no one else may write",
        "Loss of the one-variable law",
        "the letter B stands for the batch",
        "a function that stands in for the launcher",
        "for good reasons",
        "so many files that the disk is full",
        "outstanding shares",
        "beside the table",
        "`told` and ``anew``",
    ],
)
def test_words_that_are_fine(text: str) -> None:
    assert voice.check_words(voice.without_code(text), 1, "a.md") == []


def test_python_files_report_docstrings_comments_and_variables_with_their_lines() -> None:
    source = '''"""A module.

It is drawn anew.
"""

SIZE = 3
"""Of a checkpoint."""


def total(one: int, *, somebody: str) -> int:
    text = "told in a string, which is not checked"
    # This goes
    # before the loop.
    for one in [1]:  # so many
        print(one, text)
    return sum(one for one in [1])
'''
    assert findings(source) == [
        (3, "riddle-words", "anew"),
        (7, "fragment", "Of"),
        (10, "one-variable", "one"),
        (10, "one-variable", "somebody"),
        (12, "riddle-words", "goes before"),
        (14, "one-variable", "one"),
        (14, "riddle-words", "so many"),
        (16, "one-variable", "one"),
    ]


def test_markdown_skips_code_and_link_targets() -> None:
    source = """# What stands here

`told`, [a link](told.md) and <b title="told">text</b>.

```
told
```

Rows are drawn
anew, becomes

of
"""
    assert findings(source, ".md") == [(1, "riddle-words", "stands"), (10, "riddle-words", "anew")]


def test_catalogs_skip_keys_and_placeholders() -> None:
    source = """[told]
told = "Ended: {told}."
"anew" = "Draw anew"
text = \"\"\"
First line,
nobody here.\"\"\"
"""
    assert findings(source, ".toml") == [(3, "riddle-words", "anew"), (6, "pronoun", "nobody")]


def test_opt_out() -> None:
    source = '''def f() -> None:
    """Of a quotation."""  # voice: allow
    one = 1  # voice: allow
    # voice: allow
    one = 2
    one = 3
'''
    assert findings(source) == [(6, "one-variable", "one")]
    assert findings("<!-- voice: allow -->\nHe told us.\nHe told us.\n", ".md") == [
        (3, "riddle-words", "told")
    ]


def test_command_prints_findings_and_fails(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text('"""A module."""\n', encoding="utf-8")
    bad.write_text('"""Of a module."""\n', encoding="utf-8")
    assert run(str(good)).returncode == 0
    answer = run(str(tmp_path))
    assert answer.returncode == 1
    assert f'{bad}:1: fragment: "Of a module." has no subject and verb' in answer.stdout


def test_tables_of_counts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""What it is."""\none = 1  # anew\n', encoding="utf-8")
    (tmp_path / "b.md").write_text("Nobody knows.\n", encoding="utf-8")
    counts = run("--count", str(tmp_path))
    assert counts.returncode == 0
    rows = {line[:46].strip(): line[46:].strip() for line in counts.stdout.splitlines()}
    assert rows["docstrings"] == "1"
    assert rows['docstrings that begin "What"'] == "1"
    assert rows["`one` as a variable name"] == "1"
    assert (rows["anew"], rows["nobody"], rows["told"]) == ("1", "1", "0")
    lines = run("--per-file", str(tmp_path)).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["total", "3", "1"]


def test_the_check_and_its_tests_pass_the_check() -> None:
    answer = run(str(SCRIPT), "tests/test_check_voice.py")
    assert (answer.returncode, answer.stdout) == (0, "")
