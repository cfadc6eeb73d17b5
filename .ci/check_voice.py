#!/usr/bin/env python3
"""Check that the project's prose is plain English: ``python .ci/check_voice.py [PATHS…]``.

The script reads docstrings, comments and variable names of Python files, the prose of Markdown
files and the English catalogs of the app. Without PATHS it reads all files that git tracks.

- By default it prints ``path:line: rule: message`` for each finding and exits with 1 if there
  are any.
- ``--count`` prints how often each pattern occurs, and in which top folder.
- ``--per-file`` prints the number of findings of each file, the largest first.

A line that holds ``voice: allow`` in a comment, or that follows a comment with nothing else in it,
is left out. After a docstring the comment belongs behind the closing quotes.
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# The repository around the working directory, so that a copy of this script works anywhere.
ROOT = next(
    (each for each in (Path.cwd(), *Path.cwd().parents) if (each / ".git").exists()), Path()
)
ALLOW = re.compile(r"(#|<!--)\s*voice: allow\b")
ALLOW_ALONE = re.compile(r"\s*(#\s*voice: allow\b.*|<!--\s*voice: allow\b.*-->\s*)$")


def words_of(text: str) -> frozenset[str]:
    """Return the words of ``text`` as a set."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Word:
    """A word or phrase to avoid, with the wording that is suggested instead."""

    name: str
    pattern: re.Pattern[str]
    better: str


def word(name: str, better: str, pattern: str | None = None) -> Word:
    """Build a Word that matches ``pattern``, or else ``name`` itself, in any case."""
    body = pattern or re.escape(name).replace(r"\ ", r"\s+")
    return Word(name, re.compile(rf"(?<![\w-]){body}(?![\w-])", re.IGNORECASE), better)


# `the one process` counts; `the one that was read` is a pronoun. Only words that cannot continue
# a noun phrase, or the end of a clause, show that "one" replaces a noun.
_NO_NOUN = (
    r"(?=\s*(?:[.,;:!?)”—–]|$)|['’]s\b|\s+(?:that|which|who|whose|where|when|is|are|was|were|has|had"
    r"|does|did|can|may|must|will|would|of|in|on|at|by|from|for|to|with|and|or|but|as|than|then"
    r"|before|after|under|over|until|since|if|it|they|goes|stays|starts|takes|becomes)\b)"
)
_CLAUSE_START = r"(?:(?<=^)|(?<=[.;:,(]\s)|(?<=\bthat\s)|(?<=\bif\s)|(?<=\bhow\s)|(?<=\bwhat\s))"

PRONOUNS = (
    word("nobody", "'no one', or name who: 'the caller', 'the user', 'another process'"),
    word("somebody", "name who: 'the caller', 'the user', 'another process', 'a holder'"),
    word("everybody", "name who: 'all holders', 'every user'", r"(?:everybody|anybody)"),
    word("whoever", "name who: 'the process that …', 'the caller'"),
    word("whatever", "name it: 'any value', 'all fields that …', 'regardless of …'"),
    word("whichever", "name it: 'the lower of the two', 'any of them'"),
    word(
        "this/that/the/another/each one",
        "repeat the noun: 'this run', 'the version that was read', 'another layout'",
        rf"(?:this|that|the|another|each|every)\s+one{_NO_NOUN}",
    ),
    word(
        "one (a person or thing)",
        "repeat the noun, or name who: 'the caller', 'a run that …', 'you'",
        rf"(?:{_CLAUSE_START}one\s+(?:can|cannot|may|must|might|should|would|could|that|which|who"
        rf"|whose)\b|(?:(?<=^)|(?<=\b(?:on|of|to|in|by|at)\s)|(?<=\b(?:for)\s)|(?<=\b(?:with|from)\s))one['’]s\b)",
    ),
)

RIDDLES = (
    word("becomes of", "say what happens: 'how each fault is handled'", r"bec[ao]mes?\s+of"),
    word(
        "stands",
        "'is', 'is given', 'is listed', 'is written' ('stands for' is allowed)",
        r"(?:stands(?!\s+(?:in\s+)?for\b)|stood"
        r"|stand\s+(?:in(?!\s+for\b)|on|at|below|above|beside|here|there|under|side|once|first"
        r"|next|still|open))",
    ),
    word("told", "'reported', 'instructed', 'distinguished' (for 'told apart')"),
    word(
        "is said",
        "'is reported', 'is stated', 'is shown'",
        r"(?:(?:is|are|was|were|be|been)\s+said|said\s+(?:of|in|by|where)|says?\s+nothing\s+of)",
    ),
    word("goes before", "'precedes'", r"(?:goes|go|went|gone|going)\s+before(?!\s+(?:the\s+end))"),
    word("anew", "'again'", r"(?:anew|afresh)"),
    word("foretell", "'predict', 'forecast'", r"(?:foretell(?:s|ing)?|foretold)"),
    word("for good", "'permanently'", r"for\s+good(?!\s+(?:reason|measure|and\b))"),
    word("another mood", "'an hour later', 'at another time'", r"(?:in|of)\s+another\s+mood"),
    word("so many", "'n', 'the given number of'", r"so\s+many(?!\s+(?:\w+\s+)?(?:that|as)\b)"),
    word("asks of", "'requires', 'requests from'", r"ask(?:s|ed|ing)?\s+of"),
    word("besides", "'also', 'in addition', 'apart from'"),
    word("everything gone", "name what is removed", r"ha(?:s|ve)\s+everything\s+\w+"),
    word("is to know", "'must know', 'needs'", r"(?:is|are)\s+to\s+know"),
    word("beforehand", "'before …', 'first'"),
    word("be it", "'whether … or …'", r"be\s+it(?!\w)"),
    word("reckon", "'compute', 'estimate', 'count'", r"reckon(?:s|ed|ing)?"),
    word("lain", "'has been there for …'"),
    word("learnt of", "'received', 'found out'", r"(?:learnt|learned)\s+of"),
)

VARIABLES = frozenset({"one", "somebody", "nobody", "everybody", "whoever"})

QUESTION_WORDS = frozenset({"what", "who", "whose", "how", "where", "when", "why", "which"})
PREPOSITIONS = words_of(
    "of as by in at per from with between to for behind before after on over under without within"
    " through into out against about among amongst until since beside besides beyond upon"
)
# A docstring that begins so goes on from the name of its field, or from the docstring before it.
CONTINUATIONS = words_of("that those and but nor not also while whom than")
# "At most n tokens" and "Over 90% of the time" are amounts, which are noun phrases.
AMOUNT = re.compile(
    r"(?:at\s+(?:most|least)\s+\w|(?:about|over|under)\s+(?:an?\b|half|one|two|three|[\d$€]))", re.I
)

_SUBORDINATORS = words_of(
    "that which who whom whose where when while if because what how why whether unless although"
    " though whoever whatever whichever wherever so than"
)
# These introduce a clause or a mere noun; at the next comma nothing more is expected of them.
_WEAK_SUBORDINATORS = words_of("as after before until since and or but nor")
_MODALS = words_of("can cannot could may might must shall should will would to do does did")
_FINITE = words_of(
    "is are was were has have had do does did can cannot could may might must shall should will"
    " would came took went gave became fell rose began knew saw wrote stood isn't aren't wasn't"
    " doesn't don't can't won't"
    " goes comes takes gives makes keeps holds says knows sees gets begins becomes lies stands"
    " stays remains belongs depends follows contains describes decides computes means allows needs"
    " uses uses pays buys sells earns owes grows fits trains learns waits stops dies lives sends"
    " brings leaves lets puts finds finishes fails passes happens applies arrives appears asks"
    " tells shows hides covers compares converts converges divides equals exceeds exists explains"
    " gains ignores includes increases decreases keeps lasts loses matches measures moves occurs"
    " owns predicts produces reaches receives refuses rejects removes repeats replaces requires"
    " restores returns runs saves sets sits speaks spends splits starts supposes survives tries"
    " turns varies wants writes yields ends"
)
# The same words are nouns: "of all runs in a folder". An object must follow for a verb.
_ALSO_NOUN = words_of(
    "runs returns starts ends sets moves measures gains uses needs means splits fits turns asks"
    " shows covers matches passes trains saves"
)
_OBJECT = words_of("the a an its their no nothing it them all one each every")
_PLURAL_VERBS = words_of(
    "come take give make keep hold say know see get begin become lie stand stay remain belong"
    " depend follow contain decide need use pay buy sell owe grow fit train learn wait stop die"
    " go leave find fail pass happen apply read write serve generate return start work ask weigh"
    " bring add"
)
_PLURAL_PRONOUNS = words_of("they we you all both these those people many few others")


@dataclass
class Finding:
    """One place to rewrite."""

    path: str
    line: int
    rule: str
    pattern: str
    message: str


@dataclass
class Report:
    """All findings, and the number of docstrings and opt-outs that were read."""

    findings: list[Finding] = field(default_factory=list)
    docstrings: Counter[str] = field(default_factory=Counter)
    allowed: int = 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Check that the project's prose is plain English.")
    parser.add_argument("paths", nargs="*", metavar="PATHS", help="files or folders; default: all")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--count", action="store_true", help="print a table of counts")
    mode.add_argument("--per-file", action="store_true", help="print the findings of each file")
    options = parser.parse_args(argv)
    report = Report()
    for path in files(options.paths):
        check_file(path, report)
    if options.count:
        print("\n".join(count_table(report)))
        return 0
    if options.per_file:
        print("\n".join(per_file_table(report)))
        return 0
    for finding in report.findings:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.message}")
    if report.findings:
        print(f"{len(report.findings)} findings", file=sys.stderr)
    return 1 if report.findings else 0


# Files


def files(paths: list[str]) -> list[Path]:
    """List the files to check: those below ``paths``, or all that git tracks."""
    if not paths:
        found = _tracked(ROOT)
    else:
        found = []
        for path in map(Path, paths):
            if not path.exists():
                raise SystemExit(f"{path}: no such file or folder")
            found += [path] if path.is_file() else (_tracked(path) or sorted(path.rglob("*")))
    return [path for path in found if path.is_file() and _kind(path)]


def _tracked(folder: Path) -> list[Path]:
    """List the files in ``folder`` that git tracks; the list is empty outside a repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=folder, capture_output=True, text=True, check=False
    )
    return sorted(folder / name for name in listed.stdout.split("\0") if name)


def _kind(path: Path) -> str:
    """Return the kind of a file by its name, or an empty string if it is not checked."""
    if path.suffix in (".py", ".md"):
        return path.suffix
    in_catalog = path.suffix == ".toml" and path.resolve().parts[-3:-1] == ("locales", "en")
    return ".toml" if in_catalog else ""


def _shown(path: Path) -> str:
    """Return the path relative to the repository, or in full if it is elsewhere."""
    resolved = path.resolve()
    return str(resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else path)


def check_file(path: Path, report: Report) -> None:
    """Add the findings of one file to ``report``."""
    source = path.read_text(encoding="utf-8")
    check_text(source, _kind(path), _shown(path), report)


def check_text(source: str, kind: str, name: str, report: Report) -> None:
    """Add the findings of one text to ``report``; ``kind`` is ``.py``, ``.md`` or ``.toml``."""
    check = {".py": _check_python, ".md": _check_markdown, ".toml": _check_catalog}[kind]
    found = sorted(check(source, name, report), key=lambda item: (item[0].line, item[0].rule))
    lines = source.splitlines()
    for finding, first, last in found:
        if _is_allowed(lines, first, last, finding.line):
            report.allowed += 1
        else:
            report.findings.append(finding)


def _is_allowed(lines: list[str], first: int, last: int, line: int) -> bool:
    """Whether an opt-out comment covers the text between lines ``first`` and ``last``."""
    if first >= 2 and ALLOW_ALONE.match(lines[first - 2]):
        return True
    return any(ALLOW.search(lines[at - 1]) for at in (line, last) if 0 < at <= len(lines))


# A finding, and the first and last line of the text that it was found in
Found = Iterator[tuple[Finding, int, int]]


def _check_python(source: str, name: str, report: Report) -> Found:
    """Check docstrings, comments and variable names of a Python file."""
    tree = ast.parse(source)
    for node in docstrings(tree):
        report.docstrings[name] += 1
        last = node.end_lineno or node.lineno
        for rule, pattern, message in check_docstring(node.value):
            yield Finding(name, node.lineno, rule, pattern, message), node.lineno, last
        for finding in check_words(without_code(node.value), node.lineno, name):
            yield finding, node.lineno, last
    for first, last, text in comments(source):
        for finding in check_words(without_code(text), first, name):
            yield finding, first, last
    for line, variable in variables(tree):
        message = f"`{variable}` as a variable name; name the thing: `for line in lines`"
        yield Finding(name, line, "one-variable", variable, message), line, line


def _check_markdown(source: str, name: str, _: Report) -> Found:
    """Check the prose of a Markdown file, without its code and link targets."""
    for finding in check_words(markdown_prose(source), 1, name):
        yield finding, finding.line, finding.line


def _check_catalog(source: str, name: str, _: Report) -> Found:
    """Check the values and comments of a catalog, without keys and placeholders."""
    for first, text in catalog_values(source):
        for finding in check_words(without_code(text), first, name):
            yield finding, first, finding.line


# What is read of each kind of file


def docstrings(tree: ast.AST) -> list[ast.Constant]:
    """List the docstrings of modules, classes and functions, and the strings under fields."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for place, statement in enumerate(node.body):
            if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
                continue
            if not isinstance(statement.value.value, str):
                continue
            documented = place == 0 or isinstance(node.body[place - 1], ast.Assign | ast.AnnAssign)
            if documented:
                found.append(statement.value)
    return found


def comments(source: str) -> list[tuple[int, int, str]]:
    """List the comments as first line, last line and text; lines that continue are joined."""
    blocks: list[tuple[int, int, int, list[str]]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, column = token.start
        text = token.string.lstrip("#!").strip()
        alone = not token.line[:column].strip()
        if blocks and alone and blocks[-1][1] == line - 1 and blocks[-1][2] == column:
            first, _, _, texts = blocks.pop()
            blocks.append((first, line, column, [*texts, text]))
        else:
            blocks.append((line, line, column if alone else -1, [text]))
    return [(first, last, "\n".join(texts)) for first, last, _, texts in blocks]


def variables(tree: ast.AST) -> list[tuple[int, str]]:
    """List the lines that bind a variable or an argument with a name from VARIABLES."""
    found = []
    for node in ast.walk(tree):
        bound = None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound = node.id
        elif isinstance(node, ast.arg):
            bound = node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            bound = node.name
        if bound in VARIABLES:
            found.append((node.lineno, bound))  # type: ignore[attr-defined]
    return found


_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S)


def markdown_prose(source: str) -> str:
    """Blank out code, link targets and tags of a Markdown text; the lines keep their numbers."""
    for pattern in (_FENCE, re.compile(r"<!--.*?-->", re.S), re.compile(r"(?<=\])\([^)\s]*\)")):
        source = pattern.sub(lambda match: "\n" * match[0].count("\n"), source)
    source = re.sub(r"</?[a-zA-Z][^>\n]*>", " ", source)
    # A blank line ends a sentence: phrases never run across it.
    return without_code(source)


def catalog_values(source: str) -> list[tuple[int, str]]:
    """List the strings and comments of a TOML catalog with their line numbers."""
    pattern = re.compile(
        r'"""(?P<long>.*?)"""|"(?P<short>(?:\\.|[^"\\\n])*)"|\'(?P<literal>[^\'\n]*)\'|#(?P<note>[^\n]*)',
        re.S,
    )
    found = []
    for match in pattern.finditer(source):
        if match.lastgroup != "note" and re.match(r"\s*=", source[match.end() :]):
            continue  # a quoted key
        text = match[match.lastgroup or 0]
        text = re.sub(r"\{[^{}]*\}", "{}", text).replace('\\"', '"').replace("\\n", " ")
        found.append((source.count("\n", 0, match.start()) + 1, text))
    return found


_CODE = re.compile(r"(?::[\w:]+:)?(``.+?``|`[^`]+`)", re.S)


def without_code(text: str) -> str:
    """Replace code in backquotes by ``CODE``; the lines keep their numbers."""
    return _CODE.sub(lambda match: "CODE" + "\n" * match[0].count("\n"), text)


# The rules


def check_words(text: str, first_line: int, path: str) -> list[Finding]:
    """List the words of PRONOUNS and RIDDLES that occur in ``text``."""
    found = []
    for rule, words in (("pronoun", PRONOUNS), ("riddle-words", RIDDLES)):
        for entry in words:
            for match in entry.pattern.finditer(text):
                # A blank line, as well as the bar of a table, separates texts.
                if re.search(r"\n\s*\n", match[0]):
                    continue
                line = first_line + text.count("\n", 0, match.start())
                shown = " ".join(match[0].split())
                message = f'"{shown}": write {entry.better}'
                found.append(Finding(path, line, rule, entry.name, message))
    return found


def check_docstring(text: str) -> list[tuple[str, str, str]]:
    """Return rule, pattern and message for a docstring whose first sentence is no sentence."""
    sentence = first_sentence(text)
    opening = re.match(r"[A-Za-z]+", sentence)
    if not opening or sentence.endswith("?"):
        return []
    start = opening[0].capitalize()
    shown = sentence if len(sentence) <= 60 else sentence[:57].rsplit(" ", 1)[0] + " …"
    if start.lower() in QUESTION_WORDS:
        if start.lower() in ("where", "when") and _has_main_clause(sentence):
            return []
        message = (
            f'"{shown}" begins with "{start}"; name the thing or use a verb: "Number of steps …",'
            ' "Return the folder of …", "Reason for …"'
        )
        return [("what-docstring", start, message)]
    if (
        start.lower() in PREPOSITIONS | CONTINUATIONS
        and not AMOUNT.match(sentence)
        and not has_verb(sentence)
    ):
        message = (
            f'"{shown}" has no subject and verb; start with the noun and its unit: "Size of one'
            ' checkpoint, in bytes."'
        )
        return [("fragment", start, message)]
    return []


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring on one line, with its code replaced."""
    paragraph = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]
    line = " ".join(without_code(paragraph).split())
    match = re.search(r"(?<!e\.g)(?<!i\.e)(?<!et al)(?<!\bvs)[.?!](?=\s|$)", line)
    return line[: match.end()] if match else line


def _has_main_clause(sentence: str) -> bool:
    """Whether a clause that begins with Where or When precedes a main clause."""
    first = re.split(r"[;:]", sentence, maxsplit=1)[0]
    subordinate, comma, rest = first.partition(",")
    return bool(comma) and has_verb(rest) and has_verb(subordinate.partition(" ")[2])


def has_verb(sentence: str) -> bool:
    """Whether the part before a colon or semicolon has a verb outside its subordinate clauses.

    Each "that", "which" or "where" takes the next verb; a verb that none of them takes is the main
    verb. Verbs come from a list, since the check must run without a tagger.
    """
    clause = re.split(r"[;:](?:\s|$)", sentence, maxsplit=1)[0]
    tokens = re.findall(r"[\w'’=≥≤-]+|,", clause.lower())
    expected: list[str] = []
    filled = False
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else ""
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token == ",":
            expected = [each for each in expected if each not in _WEAK_SUBORDINATORS]
            filled = False
            continue
        if token in ("and", "or", "but", "nor"):
            if filled:
                expected.append(token)
            continue
        if token == "that" and before in PREPOSITIONS:
            continue
        if token in _SUBORDINATORS or token in _WEAK_SUBORDINATORS:
            expected.append(token)
            continue
        if not _is_verb(token, before, after):
            continue
        if not expected:
            return True
        expected.pop()
        filled = True
    return False


def _is_verb(token: str, before: str, after: str) -> bool:
    """Whether ``token`` is a finite verb between its two neighbours."""
    if before in _MODALS:
        return False
    if token in _ALSO_NOUN:
        return after in _OBJECT
    if token in _FINITE:
        return True
    if token in _PLURAL_VERBS:
        plural = before.endswith("s") and not before.endswith(("ss", "is", "'s", "’s"))
        if before in _FINITE:  # a participle: "has read", "was set"
            return False
        imperative = before == "," and token not in ("read", "come", "become")
        return imperative or before in _PLURAL_PRONOUNS or (plural and before != "its")
    return False


# Tables


FOLDERS = ("engine", "finance", "pages", "tests", "docs", "data/locales/en", "README", "other")
RULES = ("fragment", "what-docstring", "pronoun", "riddle-words", "one-variable")


def top_folder(path: str) -> str:
    """Return the entry of FOLDERS that a path belongs to."""
    if path == "README.md":
        return "README"
    return next((each for each in FOLDERS if path.startswith(each + "/")), "other")


def count_table(report: Report) -> list[str]:
    """Return the lines of the table that ``--count`` prints."""
    by_pattern = Counter((each.rule, each.pattern) for each in report.findings)
    by_rule = Counter(each.rule for each in report.findings)
    rows = [
        ("docstrings", sum(report.docstrings.values())),
        ("docstrings that are fragments", by_rule["fragment"]),
        ('docstrings that begin "What"', by_pattern["what-docstring", "What"]),
        ("docstrings that begin with any question word", by_rule["what-docstring"]),
        ("`one` as a variable name", by_pattern["one-variable", "one"]),
    ]
    lines = [f"{name:<46}{count:>7}" for name, count in rows]
    for rule in RULES:
        listed = Counter({key[1]: n for key, n in by_pattern.items() if key[0] == rule})
        for entry in {"pronoun": PRONOUNS, "riddle-words": RIDDLES}.get(rule, ()):
            listed.setdefault(entry.name, 0)
        lines += ["", f"{rule:<46}{by_rule[rule]:>7}"]
        lines += [f"  {name:<44}{count:>7}" for name, count in listed.most_common()]
    by_place = Counter((top_folder(each.path), each.rule) for each in report.findings)
    lines += ["", f"{'folder':<18}" + "".join(f"{rule:>16}" for rule in (*RULES, "total"))]
    for folder in (*FOLDERS, "total"):
        counts = [by_rule[rule] if folder == "total" else by_place[folder, rule] for rule in RULES]
        lines.append(f"{folder:<18}" + "".join(f"{n:>16}" for n in (*counts, sum(counts))))
    lines += ["", f"{'opt-outs (voice: allow)':<46}{report.allowed:>7}"]
    return lines


def per_file_table(report: Report) -> list[str]:
    """Return the lines of the table that ``--per-file`` prints."""
    totals = Counter(each.path for each in report.findings)
    by_rule = Counter((each.path, each.rule) for each in report.findings)
    lines = [f"{'total':>6}" + "".join(f"{rule:>16}" for rule in RULES) + "  file"]
    for path, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        counts = "".join(f"{by_rule[path, rule]:>16}" for rule in RULES)
        lines.append(f"{total:>6}{counts}  {path}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
