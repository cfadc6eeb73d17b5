"""Parallel encoding of staged texts to token files."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engine.training.corpus.deduplication import Index
from engine.training.corpus.staging import Staging
from engine.training.corpus.tokenizer import Encoder
from engine.training.corpus.worker_pool import WorkerPool

_TASK_BYTES = 2**20
_LZMA_BYTES = 4 * 2**20

SHARDS = ("train", "held_out")
"""Names of the token files, without their suffix."""


def token_dtype(vocab: int) -> type[np.uint16] | type[np.uint32]:
    """Return the smaller of uint16 and uint32 that holds every id of the vocabulary."""
    return np.uint16 if vocab <= 2**16 else np.uint32


def write_shards(
    staging: Staging,
    kept: Index,
    is_held_out: NDArray[np.bool_],
    tokenizer_file: Path,
    use_tiktoken: bool,
    folder: Path,
    workers: WorkerPool,
    on_bytes: Callable[[int], None],
) -> dict[str, int]:
    """Write ``train.bin`` and ``held_out.bin``; return the number of tokens of each.

    Each document ends with its end token.

    Parameters
    ----------
    kept
        Numbers of the kept documents, shape (n,).
    is_held_out
        Whether each kept document is held out, shape (n,).
    use_tiktoken
        See :class:`Encoder`.
    on_bytes
        Callback that gets the bytes of text encoded since its last call.
    """
    lengths = staging.lengths()[kept]
    starts = (np.concatenate(([0], np.cumsum(staging.lengths(), dtype=np.int64)))[:-1])[kept]
    tasks = (
        (
            tokenizer_file,
            use_tiktoken,
            staging.texts_file,
            starts[part],
            lengths[part],
            is_held_out[part],
        )
        for part in _tasks(lengths)
    )
    n_tokens = dict.fromkeys(SHARDS, 0)
    files = {name: (folder / f"{name}.bin").open("wb") for name in SHARDS}
    for n_bytes, *ids in workers.in_order(_encode, tasks):
        for name, (raw, n) in zip(SHARDS, ids, strict=True):
            files[name].write(raw)
            n_tokens[name] += n
        on_bytes(n_bytes)
    for file in files.values():
        file.close()
    return n_tokens


def _tasks(lengths: NDArray[np.uint32]) -> Iterator[slice]:
    """Yield slices of consecutive documents, each of about a megabyte."""
    ends = np.cumsum(lengths, dtype=np.int64)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _TASK_BYTES, "right")))
        yield slice(start, stop)
        start = stop


def _encode(
    tokenizer_file: Path,
    use_tiktoken: bool,
    texts_file: Path,
    starts: Index,
    lengths: NDArray[np.uint32],
    is_held_out: NDArray[np.bool_],
) -> tuple[int, tuple[bytes, int], tuple[bytes, int]]:
    """Encode some documents in a worker process.

    Returns
    -------
    tuple
        Bytes read; (ids as bytes, number of ids) of the training documents; (ids as bytes, number
        of ids) of the held-out documents.
    """
    encoder, dtype = _encoder(tokenizer_file, use_tiktoken)
    end = np.array([encoder.end_id], dtype)
    parts: tuple[list[NDArray], list[NDArray]] = ([], [])
    with texts_file.open("rb") as file:
        for start, length, held_out in zip(
            starts.tolist(), lengths.tolist(), is_held_out.tolist(), strict=True
        ):
            file.seek(start)
            parts[held_out].extend((encoder.encode(file.read(length).decode()).astype(dtype), end))
    train, held = (np.concatenate(part) if part else end[:0] for part in parts)
    return int(lengths.sum()), (train.tobytes(), len(train)), (held.tobytes(), len(held))


@lru_cache(maxsize=1)
def _encoder(
    tokenizer_file: Path, use_tiktoken: bool
) -> tuple[Encoder, type[np.uint16] | type[np.uint32]]:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    return Encoder(tokenizer, use_tiktoken), token_dtype(tokenizer.get_vocab_size())


def lzma_bits_per_byte(staging_folder: Path, starts: Index, lengths: NDArray[np.uint32]) -> float:
    """Return LZMA's compressed bits per byte of text, from its first 4 MB; runs in a worker."""
    compressor = lzma.LZMACompressor()
    n_bytes = n_compressed = 0
    with (staging_folder / "texts").open("rb") as file:
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            file.seek(start)
            text = file.read(min(length, _LZMA_BYTES - n_bytes)) + b"\n"
            n_bytes += len(text)
            n_compressed += len(compressor.compress(text))
            if n_bytes >= _LZMA_BYTES:
                break
    return 8 * (n_compressed + len(compressor.flush())) / n_bytes
