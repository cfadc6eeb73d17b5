"""Questions made from held-out text, equal for all models with the same tokenizer and seed.

There are three kinds, all zero-shot. Continuation: which of four passages continues a text; the
others come from other documents. Cloze: which of four words ends a sentence; the others are about
as frequent and also end sentences. Shuffled: whether a sentence is real or has its words shuffled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.scores import N_OPTIONS

CONTEXT_TOKENS = 48
"""Largest number of tokens before the options."""
CONTINUATION_TOKENS = 16
"""Number of tokens of a passage."""
_TEXT_TOKENS = 500_000
"""Tokens at the start of the held-out text that questions use; its documents are shuffled."""
_NEIGHBOURS = 20
"""Number of words, nearest in frequency, from which the wrong words are drawn."""
_TRIES = 20
"""Number of draws to find wrong passages."""
_CONTEXT_CHARS = 600
"""Largest number of characters before a sentence that are encoded as its context."""
_SENTENCE_WORDS = (6, 40)
"""Smallest and largest number of words of a sentence."""
_HAN = "\u3400-\u9fff"
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？](?=\s|$|[”’\"」]|(?<=[。！？]))")
_LAST_WORD = re.compile(
    rf"(?P<before>.*\S)(?P<word> [^\W{_HAN}]+|(?<=[{_HAN}]{{4}})[{_HAN}]{{2}})(?P<end>[.!?。！？])",
    re.DOTALL,
)
_WORD = re.compile(rf"[^\W{_HAN}]+|[{_HAN}](?=[{_HAN}])")


@dataclass(frozen=True, slots=True)
class Choice:
    """Question with several options; ``options[truth]`` really follows ``context`` (token ids)."""

    context: list[int]
    options: tuple[list[int], ...]
    truth: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """Token ids of a sentence as it was written, or with its words shuffled."""

    ids: list[int]
    is_real: bool


def documents_of(tokens: np.ndarray, end: int) -> list[np.ndarray]:
    """Return the token ids of each document at the start of ``tokens``, without end tokens."""
    start = np.asarray(tokens[:_TEXT_TOKENS])
    pieces = (piece[piece != end] for piece in np.split(start, np.flatnonzero(start == end)))
    return [piece for piece in pieces if len(piece)]


def continuation_questions(
    documents: Sequence[np.ndarray],
    starts_word: np.ndarray,
    *,
    n: int,
    context_tokens: int,
    seed: int,
) -> list[Choice]:
    """Return questions whose options are passages of ``CONTINUATION_TOKENS``.

    All passages begin at a word. Wrong ones come from other documents, or from another place of the
    same document if it is the only one.

    Parameters
    ----------
    starts_word
        Whether each token of the vocabulary begins a word or a Chinese character, shape (vocab,).
    """
    rng = np.random.default_rng([seed, 1])
    if context_tokens < 1:
        return []
    places = [_starts(document, starts_word, context_tokens) for document in documents]
    usable = [index for index, found in enumerate(places) if len(found) >= N_OPTIONS]
    if not usable:
        return []
    weights = np.array([len(places[index]) for index in usable], dtype=float)
    questions = []
    used: set[tuple[int, int]] = set()
    for document in rng.choice(usable, size=n, p=weights / weights.sum()):
        start = int(rng.choice(places[document]))
        if (int(document), start) in used:  # a short text has few places
            continue
        used.add((int(document), start))
        ids = documents[document]
        true = _passage(ids, start)
        wrong = _other_passages(documents, places, usable, int(document), true, rng)
        if len(wrong) < N_OPTIONS - 1:  # a text of few words repeats its passages
            continue
        context = ids[start - context_tokens : start].tolist()
        questions.append(_shuffled_choice(context, true, wrong, rng))
    return questions


def _other_passages(
    documents: Sequence[np.ndarray],
    places: Sequence[np.ndarray],
    usable: Sequence[int],
    document: int,
    true: list[int],
    rng: np.random.Generator,
) -> list[list[int]]:
    """Return up to three different passages, none of which equals ``true``."""
    others = [index for index in usable if index != document] or usable
    wrong: list[list[int]] = []
    for _ in range(_TRIES):
        other = int(rng.choice(others))
        passage = _passage(documents[other], int(rng.choice(places[other])))
        if passage not in (true, *wrong):
            wrong.append(passage)
        if len(wrong) == N_OPTIONS - 1:
            break
    return wrong


def cloze_questions(
    texts: Sequence[str],
    tokenizer: Any,
    *,
    n: int,
    context_tokens: int,
    answer_tokens: int,
    seed: int,
) -> list[Choice]:
    """Return questions for the last word of a sentence, with its full stop."""
    rng = np.random.default_rng([seed, 2])
    found = [last_word for text in texts for last_word in _last_words(text)]
    frequency = Counter(word for text in texts for word in _words(text))
    pool = sorted({word for _, word, _ in found}, key=lambda word: (frequency[word.strip()], word))
    rank = {word: index for index, word in enumerate(pool)}
    questions: list[Choice] = []
    for index in rng.permutation(len(found)):
        if len(questions) == n:
            break
        before, word, end = found[index]
        first = max(0, rank[word] - _NEIGHBOURS // 2)
        near = [
            other
            for other in pool[first : first + _NEIGHBOURS + 1]
            if other.strip().casefold() != word.strip().casefold()
            and other.startswith(" ") == word.startswith(" ")
        ]
        if len(near) < N_OPTIONS - 1:
            continue
        wrong = [near[i] for i in rng.permutation(len(near))[: N_OPTIONS - 1]]
        true, *others = (_encode(tokenizer, option + end) for option in (word, *wrong))
        context = _encode(tokenizer, before)[-context_tokens:]
        if max(map(len, (true, *others))) > answer_tokens:
            continue
        questions.append(_shuffled_choice(context, true, others, rng))
    return questions


def sentence_questions(
    texts: Sequence[str], tokenizer: Any, *, n: int, max_tokens: int, seed: int
) -> list[Sentence]:
    """Return different sentences, of which every second is shuffled except for its full stop."""
    rng = np.random.default_rng([seed, 3])
    sentences = list(dict.fromkeys(sentence for text in texts for sentence in _sentences(text)))
    questions: list[Sentence] = []
    for index in rng.permutation(len(sentences)):
        if len(questions) == n:
            break
        sentence = sentences[index]
        parts = sentence[:-1].split(" ") if " " in sentence else list(sentence[:-1])
        if not _SENTENCE_WORDS[0] <= len(parts) <= _SENTENCE_WORDS[1]:
            continue
        is_real = len(questions) % 2 == 0
        order = np.arange(len(parts)) if is_real else rng.permutation(len(parts))
        separator = " " if " " in sentence else ""
        ids = _encode(tokenizer, separator.join(parts[i] for i in order) + sentence[-1])
        if len(ids) <= max_tokens:
            questions.append(Sentence(ids, is_real))
    return questions


def best_threshold(scores: Sequence[float], is_real: Sequence[bool]) -> float:
    """Return the threshold that classifies most sentences right: real ones score at least it."""
    levels = np.unique(np.asarray(scores))
    between = [levels[0] - 1.0, *((levels[1:] + levels[:-1]) / 2), levels[-1] + 1.0]
    real = np.asarray(is_real)
    return float(max(between, key=lambda at: int(((np.asarray(scores) >= at) == real).sum())))


def _starts(ids: np.ndarray, starts_word: np.ndarray, context_tokens: int) -> np.ndarray:
    """Return the positions in a document at which a passage can begin."""
    candidates = ids[context_tokens : len(ids) - CONTINUATION_TOKENS]
    return np.flatnonzero(starts_word[candidates]) + context_tokens


def _passage(ids: np.ndarray, start: int) -> list[int]:
    passage: list[int] = ids[start : start + CONTINUATION_TOKENS].tolist()
    return passage


def _shuffled_choice(
    context: list[int], true: list[int], wrong: list[list[int]], rng: np.random.Generator
) -> Choice:
    truth = int(rng.integers(N_OPTIONS))
    return Choice(context, (*wrong[:truth], true, *wrong[truth:]), truth)


def _sentences(text: str) -> Iterator[str]:
    for match in _SENTENCE.finditer(text):
        yield match[0].strip()


def _last_words(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (text before, last word with its space, full stop) of each long enough sentence.

    Chinese does not separate words, so there the last two characters are taken as the last word.
    """
    for match in _SENTENCE.finditer(text):
        ending = _LAST_WORD.fullmatch(match[0])
        if ending is None:
            continue
        if ending["word"].startswith(" ") and len(match[0].split()) < _SENTENCE_WORDS[0]:
            continue
        start = max(0, match.start() - _CONTEXT_CHARS)
        before = text[start : match.start()] + ending["before"]
        yield before.lstrip(), ending["word"], ending["end"]


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        is_han = "\u3400" <= match[0] <= "\u9fff"
        yield text[match.start() : match.start() + 2] if is_han else match[0]


def _encode(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids
