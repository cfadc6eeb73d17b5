"""``python -m engine corpus``: prepare a text for training and report what was dropped."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.corpora.sources import check_corpus
from engine.documents import InputError
from engine.reports.forecast_tables import Rows, print_table
from engine.results import CorpusReport
from engine.runs.preparing import prepare
from engine.text import Catalog

_USUAL_VOCAB = 16_384
"""Size of the vocabulary if none is requested."""
_EXAMPLES = 3
"""Number of dropped documents that are listed for each reason."""
_SILENT_S = 2.0
"""Seconds after which progress is shown."""


def add_to(app: typer.Typer) -> None:
    """Add the command ``corpus``."""
    app.command("corpus", help=text("cli.corpus"))(corpus)


def corpus(
    source: Annotated[str, typer.Argument(help=text("cli.corpus_source"))],
    vocab: Annotated[
        int | None, typer.Option(help=text("cli.corpus_vocab"), min=257, max=1_000_000)
    ] = None,
    held_out_share: Annotated[float, typer.Option(help=text("cli.held_out"))] = 0.05,
    text_field: Annotated[str, typer.Option(help=text("cli.text_field"))] = "text",
    near_duplicate_similarity: Annotated[float, typer.Option(help=text("cli.near"))] = 0.8,
    no_normalise: Annotated[
        bool, typer.Option("--no-normalise", help=text("cli.no_normalise"))
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Prepare the corpus and print its report as tables or as JSON."""
    choice = CorpusChoice.parse(
        {
            # The process that prepares the corpus has another working folder.
            "source": source if source in PACKAGES else str(Path(source).expanduser().absolute()),
            "held_out_share": held_out_share,
            "text_field": text_field,
            "near_duplicate_similarity": near_duplicate_similarity,
            "normalise": not no_normalise,
        },
        where="corpus",
    )
    check_corpus(choice, vocab)
    folder, report = prepare(choice, vocab or _USUAL_VOCAB, _Progress())
    if vocab and report.vocab < vocab:
        raise InputError("vocab", vocab, "less_than_equal", limit=report.vocab)
    if as_json:
        print(
            json.dumps({"folder": str(folder), "report": report.model_dump(mode="json")}, indent=1)
        )
        return
    for rows in (content_rows, dropped_rows, stage_rows):
        if table := rows(text, report):
            print_table(*table)
    print("\n".join(notes(text, report)))
    print(text("corpus.folder", folder=folder))


class _Progress:
    """Prints each stage and each quarter of it, after the first two seconds."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.printed: tuple[str, int] | None = None

    def __call__(self, stage: str, share: float) -> None:
        now = (stage, int(4 * share))
        if now == self.printed or time.monotonic() - self.start < _SILENT_S:
            return
        self.printed = now
        name = text(f"corpus.stage.{stage}")
        print(text("corpus.progress", stage=name, share=f"{share:.0%}"), file=sys.stderr)


def content_rows(say: Catalog, report: CorpusReport) -> Rows:
    """Return a table of what was read and what was kept."""
    language = say.language

    def count(value: float) -> str:
        return quantities.number(value, language, digits=12)

    def size(n_bytes: float) -> str:
        return quantities.si(n_bytes, "B", language)

    n_bytes = report.n_train_bytes + report.n_held_out_bytes
    n_tokens = report.n_train_tokens + report.n_held_out_tokens
    bits = quantities.number(report.held_out_lzma_bits_per_byte, language)
    rows = (
        ("documents", count(report.n_read_documents), count(report.n_documents)),
        ("held_out_documents", "", count(report.n_held_out_documents)),
        ("bytes", size(report.n_read_bytes), size(n_bytes)),
        ("held_out_bytes", "", size(report.n_held_out_bytes)),
        ("tokens", "", count(n_tokens)),
        ("held_out_tokens", "", count(report.n_held_out_tokens)),
        ("tokens_per_byte", "", quantities.number(n_tokens / n_bytes, language)),
        ("vocab", "", count(report.vocab)),
        ("tokenizer_sample", "", size(report.tokenizer_sample_bytes)),
        ("lzma", "", say("corpus.lzma_bits", n=bits)),
    )
    head = [report.source, say("corpus.read"), say("corpus.kept")]
    return head, [[say(f"corpus.{name}"), *cells] for name, *cells in rows]


def dropped_rows(say: Catalog, report: CorpusReport) -> Rows | None:
    """Return a table of the reasons for dropping; None if nothing was dropped."""
    if not report.dropped:
        return None
    names = ("reason", "documents", "bytes")
    return [say(f"corpus.{name}") for name in names], [
        [
            say(f"corpus.dropped.{dropped.reason}"),
            quantities.number(dropped.n_documents, say.language, digits=12),
            quantities.si(dropped.n_bytes, "B", say.language),
        ]
        for dropped in report.dropped
    ]


def stage_rows(say: Catalog, report: CorpusReport) -> Rows:
    """Return a table of the time of each stage and the text that it processed per second."""
    language = say.language
    stages = [(say(f"corpus.stage.{name}"), s) for name, s in report.stage_s.items()]
    without = sum(s for name, s in report.stage_s.items() if name != "tokenizer")
    head = [say("corpus.step"), say("corpus.time"), say("corpus.rate", n=report.n_workers)]
    return head, [
        [
            name,
            quantities.duration(seconds, language),
            f"{quantities.si(report.n_read_bytes / max(seconds, 1e-3), 'B', language)}/s",
        ]
        for name, seconds in [*stages, (say("corpus.whole"), without)]
    ]


def notes(say: Catalog, report: CorpusReport) -> list[str]:
    """Return lines with examples of dropped documents and the effects of cleaning."""
    lines = [
        say("corpus.example", reason=say(f"corpus.dropped.{dropped.reason}"), name=name)
        for dropped in report.dropped
        for name in dropped.examples[:_EXAMPLES]
    ] or [say("corpus.nothing_dropped")]
    for what, n in report.changed.items():
        name = say(f"corpus.change.{what}")
        lines.append(say("corpus.changed", n=quantities.number(n, say.language, 12), what=name))
    return lines if report.changed else [*lines, say("corpus.no_change")]
