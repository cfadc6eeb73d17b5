"""Sources of documents: text files, lines of JSON, Parquet tables and packages.

Files are read in parts of about a megabyte, so that no corpus is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.corpora.choice import CorpusChoice
from engine.corpora.packages import PACKAGES
from engine.documents import InputError

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Largest text file or line of JSON; a larger one is a dump or a file of another kind."""

_SUFFIXES = {".txt": "text", ".md": "text", ".jsonl": "jsonl", ".parquet": "parquet"}
_PART_BYTES = 2**20
_PARQUET_ROWS = 64
_MAX_COLUMN_BYTES = 2**31
"""Largest text column of a row group, since Parquet decodes a whole page."""
_CHECKED_BYTES = 16 * 2**20
"""Largest amount of text that :func:`check_corpus` reads."""
_EVERY_BYTE = 256 + 1
"""Smallest byte-level vocabulary: all bytes and the end-of-text token."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """File of a corpus."""

    path: Path
    name: str
    """Path in the corpus, which names the file's documents."""
    kind: str
    """Format ``text``, ``jsonl`` or ``parquet``, or the name of the file's package."""
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """Documents that are read at once: a text file, some lines or some rows."""

    file: SourceFile
    n_bytes: int
    start: int = 0
    """Position of the first line in the file, in bytes."""
    first: int = 1
    """Number of the first line or row, from 1."""
    rows: tuple[str | None, ...] = ()


def real_source(source: str) -> str:
    """Return the name of a package, or the absolute path of a source without symbolic links.

    A path that the system does not accept is returned as it is.
    """
    if source in PACKAGES:
        return source
    try:
        return os.path.realpath(os.path.expanduser(source))  # noqa: PTH111 - unknown users raise
    except (OSError, ValueError):
        return source


def source_files(source: str, folders: Sequence[Path] | None = None) -> Iterator[SourceFile]:
    """Yield the files of a corpus in a fixed order.

    Parameters
    ----------
    source
        Name of a package, or a path.
    folders
        Real paths of the folders below which every file must be after symbolic links are followed;
        None allows any path. Packages are always allowed.

    Raises
    ------
    InputError
        If the source is neither an installed package nor a path of text, a text file is too large,
        or a file is outside ``folders``. Nothing outside ``folders`` is opened, and the error is
        the same whether it exists or not.
    """
    if package := PACKAGES.get(source):
        folder = package.folder
        for path in package.files(folder):
            yield SourceFile(path, str(path.relative_to(folder)), source, path.stat().st_size)
        return
    if folders is not None:
        _check_inside(source, folders, "corpus.source", source)
        root = Path(real_source(source))
    else:
        root = Path(source).expanduser()
    if root.is_file() and root.suffix.lower() in _SUFFIXES:
        yield _source_file(root, root.name)
    elif root.is_dir():
        for at, subfolders, names in os.walk(root):
            subfolders.sort()
            for name in sorted(names):
                path = Path(at, name)
                if path.suffix.lower() not in _SUFFIXES:
                    continue
                if folders is not None:
                    _check_inside(str(path), folders, str(path), name)
                if path.is_file():
                    yield _source_file(path, path.relative_to(root).as_posix())
    else:
        raise InputError("corpus.source", source, "corpus_source", packages=", ".join(PACKAGES))


def _check_inside(path: str, folders: Sequence[Path], field: str, shown: str) -> None:
    """Raise an InputError unless ``path``, without its symbolic links, is below a folder.

    The error is about ``field``, with ``shown`` as its value.
    """
    real = Path(real_source(path))
    if ".." in real.parts or not any(real.is_relative_to(folder) for folder in folders):
        raise InputError(
            field,
            shown,
            "corpus_folder",
            packages=", ".join(PACKAGES),
            folders=", ".join(map(str, folders)),
        )


def _source_file(path: Path, name: str) -> SourceFile:
    kind, n_bytes = _SUFFIXES[path.suffix.lower()], path.stat().st_size
    if kind == "text" and n_bytes > MAX_DOCUMENT_BYTES:
        raise InputError(str(path), f"{n_bytes} bytes", "too_large", limit=MAX_DOCUMENT_BYTES)
    return SourceFile(path, name, kind, n_bytes)


def digest_of(source: str) -> str:
    """Return a hash of every byte and every name of a corpus."""
    digest = hashlib.sha256()
    for found in source_files(source):
        if found.kind == "jsonl":
            for _ in _lines(found):  # raises an error for a long line before it is hashed
                pass
        digest.update(f"{found.n_bytes} {found.name!r}\n".encode())
        with found.path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def parts_of(file: SourceFile, text_field: str) -> Iterator[Part]:
    """Yield the parts of a file, each of which is read at once.

    Raises
    ------
    InputError
        If a line is too long, or a Parquet file is not valid or has no such column of text.
    """
    if file.kind == "jsonl":
        yield from _lines(file)
    elif file.kind == "parquet":
        yield from _rows(file, text_field)
    else:
        yield Part(file, file.n_bytes)


def _lines(file: SourceFile) -> Iterator[Part]:
    """Yield parts of whole lines, each of about a megabyte."""
    start, first, end = 0, 1, 0
    with file.path.open("rb") as opened:
        while block := opened.read(_PART_BYTES):
            newest = block.rfind(b"\n") + 1
            if newest:
                yield Part(file, end + newest - start, start, first)
                start, first = end + newest, first + block.count(b"\n")
            end += len(block)
            if end - start > MAX_DOCUMENT_BYTES:
                where = f"{file.path}:{first}"
                raise InputError(
                    where, f"{end - start} bytes", "line_end", limit=MAX_DOCUMENT_BYTES
                )
    if end > start:
        yield Part(file, end - start, start, first)


def _rows(file: SourceFile, column: str) -> Iterator[Part]:
    """Yield parts of rows of a Parquet file."""
    import pyarrow as pa  # imported here, since most commands do not need it
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(file.path, buffer_size=_PART_BYTES, pre_buffer=False)
    except (pa.ArrowInvalid, OSError):
        raise _not_parquet(file) from None
    with table:
        if column not in table.schema_arrow.names:
            count = len(table.schema_arrow.names)
            raise InputError(f"{file.path}: corpus.text_field", column, "column", count=count)
        kind = table.schema_arrow.field(column).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            name = str(kind).partition("<")[0]  # the rest can hold names of fields
            raise InputError(f"{file.path}: {column}", name, "text")
        at = table.schema_arrow.names.index(column)
        for group in range(table.num_row_groups):
            n_bytes = table.metadata.row_group(group).column(at).total_uncompressed_size
            if n_bytes > _MAX_COLUMN_BYTES:
                where = f"{file.path}: {column}"
                raise InputError(where, f"{n_bytes} bytes", "too_large", limit=_MAX_COLUMN_BYTES)
        first = 1
        try:
            for batch in table.iter_batches(_PARQUET_ROWS, columns=[column]):
                rows = tuple(batch.column(0).to_pylist())
                yield Part(file, batch.nbytes, first=first, rows=rows)
                first += len(rows)
        except (pa.ArrowInvalid, OSError, UnicodeDecodeError):
            raise _not_parquet(file) from None


def _not_parquet(file: SourceFile) -> InputError:
    """Return the error of an invalid Parquet file; the library's message can quote its content."""
    return InputError(str(file.path), f"{file.n_bytes} bytes", "parquet")


def read_part(part: Part, text_field: str) -> Iterator[tuple[str, str]]:
    """Yield the (name, text) of each document of a part.

    Raises
    ------
    InputError
        If a file or line is not UTF-8, or a line is not JSON or lacks its text.
    """
    file = part.file
    if file.kind == "text":
        yield file.name, _decode(file.path.read_bytes(), str(file.path))
    elif file.kind == "jsonl":
        with file.path.open("rb") as opened:
            opened.seek(part.start)
            lines = opened.read(part.n_bytes).split(b"\n")
        for number, line in enumerate(lines, part.first):
            if line.strip():
                yield f"{file.name}:{number}", _json_text(line, f"{file.path}:{number}", text_field)
    elif file.kind == "parquet":
        for number, text in enumerate(part.rows, part.first):
            if text is not None:
                yield f"{file.name}:{number}", text
    else:
        yield file.name, PACKAGES[file.kind].prose(file.path)


def _decode(raw: bytes, where: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(where, f"byte {error.start}", "not_utf8") from None
    if "\0" in text:
        raise InputError(where, f"byte {raw.index(0)}", "no_nul_bytes")
    return text


def _json_text(line: bytes, where: str, text_field: str) -> str:
    try:
        found = json.loads(_decode(line, where))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(where, f"{len(line)} bytes", "json_line") from None
    text = found.get(text_field) if isinstance(found, dict) else None
    if not isinstance(text, str):
        raise InputError(where, f"{len(line)} bytes", "json_field", name=text_field)
    return text


def check_corpus(
    choice: CorpusChoice, vocab: int | None = None, folders: Sequence[Path] | None = None
) -> None:
    """Check a corpus before it is prepared, reading at most 16 MB of it.

    ``folders`` are the folders that may be read, as in :func:`source_files`.

    Raises
    ------
    InputError
        As :func:`source_files`, :func:`parts_of` and :func:`read_part`; also if fewer than two
        documents have text (one must be held out), or the text yields fewer tokens than ``vocab``.
    """
    n_files = n_documents = n_bytes = 0
    for file in source_files(choice.source, folders):
        n_files += 1
        if file.kind in PACKAGES or n_bytes > _CHECKED_BYTES:
            continue  # a package's files are not checked
        for part in parts_of(file, choice.text_field):
            for _, text in read_part(part, choice.text_field):
                n_documents += bool(text.strip())
                n_bytes += len(text.encode("utf-8", "replace"))
            if n_bytes > _CHECKED_BYTES:
                break
    if choice.source in PACKAGES:
        n_documents = n_files
    if n_bytes > _CHECKED_BYTES:
        return
    if n_documents < 2:
        raise InputError("corpus.source", choice.source, "two_documents", found=n_documents)
    # Every merge joins two tokens of the text, so there are fewer merges than bytes.
    if vocab and n_bytes and vocab - _EVERY_BYTE >= n_bytes:
        limit = _EVERY_BYTE + n_bytes - 1
        raise InputError("tokenizer_vocab", vocab, "less_than_equal", limit=limit)
