"""Questions made from held-out text, the same ones for every model of a tokenizer and a seed.

Three kinds, all zero-shot: which of four passages goes on from a text (the others are from other
documents), which of four words ends a sentence (the others are about as frequent and end
sentences too), and whether a sentence is real or had its words shuffled.
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
"""At most, before what is to be chosen."""
CONTINUATION_TOKENS = 16
_TEXT_TOKENS = 500_000
"""Questions are drawn from the start of the held-out text: its documents are in random order."""
_NEIGHBOURS = 20
"""Wrong words are drawn from so many of the nearest in frequency."""
_TRIES = 20
_CONTEXT_CHARS = 600
_SENTENCE_WORDS = (6, 40)
_HAN = "\u3400-\u9fff"
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？](?=\s|$|[”’\"」]|(?<=[。！？]))")
_LAST_WORD = re.compile(
    rf"(?P<before>.*\S)(?P<word> [^\W{_HAN}]+|(?<=[{_HAN}]{{4}})[{_HAN}]{{2}})(?P<end>[.!?。！？])",
    re.DOTALL,
)
_WORD = re.compile(rf"[^\W{_HAN}]+|[{_HAN}](?=[{_HAN}])")


@dataclass(frozen=True, slots=True)
class Choice:
    """One question: ``options[truth]`` is what really follows ``context`` (token ids)."""

    context: list[int]
    options: tuple[list[int], ...]
    truth: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """Token ids of a sentence as it was written, or with its words in a random order."""

    ids: list[int]
    is_real: bool


def documents_of(tokens: np.ndarray, end: int) -> list[np.ndarray]:
    """Token ids of each document at the start of ``tokens``, without the ``end`` of each."""
    read = np.asarray(tokens[:_TEXT_TOKENS])
    pieces = (one[one != end] for one in np.split(read, np.flatnonzero(read == end)))
    return [one for one in pieces if len(one)]


def continuation_questions(
    documents: Sequence[np.ndarray],
    starts_word: np.ndarray,
    *,
    n: int,
    context_tokens: int,
    seed: int,
) -> list[Choice]:
    """Passages of ``CONTINUATION_TOKENS``, all from word starts; the wrong ones from other
    documents, or from elsewhere in the document where there is no other.

    Parameters
    ----------
    starts_word
        For each token of the vocabulary, whether a word or a Chinese character begins with it.
    """
    rng = np.random.default_rng([seed, 1])
    if context_tokens < 1:
        return []
    places = [_starts(one, starts_word, context_tokens) for one in documents]
    usable = [index for index, found in enumerate(places) if len(found) >= N_OPTIONS]
    if not usable:
        return []
    weights = np.array([len(places[index]) for index in usable], dtype=float)
    questions = []
    asked: set[tuple[int, int]] = set()
    for document in rng.choice(usable, size=n, p=weights / weights.sum()):
        start = int(rng.choice(places[document]))
        if (int(document), start) in asked:  # a short text has few places
            continue
        asked.add((int(document), start))
        ids = documents[document]
        true = _passage(ids, start)
        wrong = _other_passages(documents, places, usable, int(document), true, rng)
        if len(wrong) < N_OPTIONS - 1:  # a text of few words repeats itself
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
    """Up to three different passages, none of them ``true``."""
    others = [one for one in usable if one != document] or usable
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
    """The last word of a sentence, with its full stop, after the text before it."""
    rng = np.random.default_rng([seed, 2])
    found = [one for text in texts for one in _last_words(text)]
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
            one
            for one in pool[first : first + _NEIGHBOURS + 1]
            if one.strip().casefold() != word.strip().casefold()
            and one.startswith(" ") == word.startswith(" ")
        ]
        if len(near) < N_OPTIONS - 1:
            continue
        wrong = [near[i] for i in rng.permutation(len(near))[: N_OPTIONS - 1]]
        true, *others = (_encode(tokenizer, one + end) for one in (word, *wrong))
        context = _encode(tokenizer, before)[-context_tokens:]
        if max(map(len, (true, *others))) > answer_tokens:
            continue
        questions.append(_shuffled_choice(context, true, others, rng))
    return questions


def sentence_questions(
    texts: Sequence[str], tokenizer: Any, *, n: int, max_tokens: int, seed: int
) -> list[Sentence]:
    """Different sentences, every other one shuffled; the sentence's own end stays its end."""
    rng = np.random.default_rng([seed, 3])
    sentences = list(dict.fromkeys(one for text in texts for one in _sentences(text)))
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
        glue = " " if " " in sentence else ""
        ids = _encode(tokenizer, glue.join(parts[i] for i in order) + sentence[-1])
        if len(ids) <= max_tokens:
            questions.append(Sentence(ids, is_real))
    return questions


def best_threshold(scores: Sequence[float], is_real: Sequence[bool]) -> float:
    """The score from which on most of these sentences are told apart rightly."""
    levels = np.unique(np.asarray(scores))
    between = [levels[0] - 1.0, *((levels[1:] + levels[:-1]) / 2), levels[-1] + 1.0]
    real = np.asarray(is_real)
    return float(max(between, key=lambda at: int(((np.asarray(scores) >= at) == real).sum())))


def _starts(ids: np.ndarray, starts_word: np.ndarray, context_tokens: int) -> np.ndarray:
    inside = ids[context_tokens : len(ids) - CONTINUATION_TOKENS]
    return np.flatnonzero(starts_word[inside]) + context_tokens


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
    """(text before, last word with its space, full stop) of each sentence that is long enough.

    In Chinese, which does not part words, the last two characters stand for the last word.
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
