"""Questions from held-out text: the right answer is from the text, the others are not."""

from collections import Counter

import numpy as np
import pytest

from engine.training.corpus.vocabulary import labels, token_bytes
from engine.training.evaluation.multiple_choice import (
    CONTINUATION_TOKENS,
    best_threshold,
    cloze_questions,
    continuation_questions,
    documents_of,
    sentence_questions,
)
from tests.engine.training.tiny_models import NOUNS, STORIES, VOCAB, exported

CHINESE = (
    "今年春天我们去看了山上的树木。去年冬天他们去看了城里的道路。"
    "每年秋天大家都来看河边的房屋。明年夏天孩子要去看海边的沙滩。"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return exported("llama", tmp_path_factory.mktemp("model"))[1]


@pytest.fixture
def documents(tokenizer) -> list[np.ndarray]:
    return [np.array(tokenizer(story).input_ids) for story in STORIES]


def test_documents_are_parted_at_their_ends() -> None:
    tokens = np.array([5, 6, 0, 7, 0, 0, 8, 9], dtype=np.uint32)
    assert [document.tolist() for document in documents_of(tokens, 0)] == [[5, 6], [7], [8, 9]]


def documents_with(ids: list[int], documents: list[np.ndarray]) -> set[int]:
    """Return the numbers of the documents in which ``ids`` occur."""
    width = len(ids)
    return {
        number
        for number, document in enumerate(documents)
        if any(document[i : i + width].tolist() == ids for i in range(len(document) - width + 1))
    }


def test_a_passage_goes_on_and_the_others_are_from_elsewhere(tokenizer, documents) -> None:
    starts_word = np.array([token[:1] == b" " for token in token_bytes(tokenizer, VOCAB)])
    settings = {"n": 40, "context_tokens": 12, "seed": 1}
    questions = continuation_questions(documents, starts_word, **settings)
    assert len(questions) > 30  # each place is used once
    for question in questions:
        true = question.options[question.truth]
        (source,) = documents_with(question.context + true, documents)
        assert {len(option) for option in question.options} == {CONTINUATION_TOKENS}
        assert all(tokenizer.decode(option).startswith(" ") for option in question.options)
        wrong = [option for place, option in enumerate(question.options) if place != question.truth]
        assert all(documents_with(option, documents) - {source} for option in wrong)
        assert true not in wrong
    assert {question.truth for question in questions} == {0, 1, 2, 3}
    assert continuation_questions(documents, starts_word, **settings) == questions
    assert continuation_questions(documents, starts_word, **(settings | {"seed": 2})) != questions


def test_a_text_that_repeats_itself_asks_nothing(tokenizer) -> None:
    same = [np.array(tokenizer("cat\n" * 60).input_ids)] * 3
    lines = np.array([token == b"\n" for token in token_bytes(tokenizer, VOCAB)])
    assert continuation_questions(same, lines, n=9, context_tokens=4, seed=1) == []


def test_the_last_word_of_a_sentence(tokenizer) -> None:
    questions = cloze_questions(
        STORIES, tokenizer, n=20, context_tokens=12, answer_tokens=20, seed=1
    )
    assert len(questions) == 20
    for question in questions:
        words = [tokenizer.decode(option) for option in question.options]
        assert len(set(words)) == 4
        assert all(word[0] == " " and word[1:-1] in NOUNS and word[-1] == "." for word in words)
        before = tokenizer.decode(question.context)
        assert any(before + words[question.truth] in story for story in STORIES)
    assert {question.truth for question in questions} == {0, 1, 2, 3}


def test_wrong_words_are_about_as_frequent(tokenizer) -> None:
    """Rare words and common words end sentences; few questions mix them."""
    rare = [f"rare{chr(97 + i)}" for i in range(24)]
    common = [f"common{chr(97 + i)}" for i in range(24)]
    text = " ".join(f"We all went out again to see the {word}." for word in rare + common * 5)
    questions = cloze_questions(
        [text], tokenizer, n=100, context_tokens=12, answer_tokens=30, seed=1
    )
    kinds = Counter(
        len({tokenizer.decode(option)[1:5] for option in question.options})
        for question in questions
    )
    assert kinds[1] > 0.7 * len(questions)


def test_chinese_sentences_end_with_their_last_two_characters(tokenizer) -> None:
    questions = cloze_questions(
        [CHINESE], tokenizer, n=10, context_tokens=40, answer_tokens=40, seed=1
    )
    assert len(questions) == 4
    words = {tokenizer.decode(option) for question in questions for option in question.options}
    assert words == {"树木。", "道路。", "房屋。", "沙滩。"}


@pytest.mark.parametrize(("text", "n"), [(" ".join(STORIES), 20), (CHINESE, 4)])
def test_shuffled_sentences_keep_their_words(tokenizer, text: str, n: int) -> None:
    questions = sentence_questions([text], tokenizer, n=n, max_tokens=200, seed=1)
    assert len(questions) == n
    assert [question.is_real for question in questions] == [True, False] * (n // 2)
    sentences = [part.strip() + end for end in ".。" for part in text.split(end)[:-1]]
    letters = [sorted(sentence) for sentence in sentences]
    for question in questions:
        written = tokenizer.decode(question.ids)
        assert (written in sentences) == question.is_real
        assert sorted(written) in letters


def test_a_text_without_sentences_yields_none(tokenizer) -> None:
    assert sentence_questions(["no end"], tokenizer, n=4, max_tokens=9, seed=1) == []
    settings = {"n": 4, "context_tokens": 4, "seed": 1}
    assert cloze_questions(["no end"], tokenizer, answer_tokens=9, **settings) == []
    assert continuation_questions([np.arange(9)], np.ones(9, dtype=bool), **settings) == []


def test_the_best_threshold() -> None:
    assert 2 < best_threshold([1, 2, 3, 4], [False, False, True, True]) < 3
    assert best_threshold([1, 2], [True, True]) < 1
    assert best_threshold([1, 2], [False, False]) > 2


def test_a_token_is_its_bytes(tokenizer) -> None:
    all_bytes = token_bytes(tokenizer, VOCAB + 10)
    assert len(all_bytes) == VOCAB + 10
    assert all_bytes[0] == all_bytes[VOCAB + 9] == b""  # the end token, and an unused row
    ids = tokenizer("The old cat, 鱼\n").input_ids
    assert b"".join(all_bytes[token] for token in ids) == "The old cat, 鱼\n".encode()
    assert labels(tokenizer, ids)[-4:] == ["⟨E9⟩", "⟨B1⟩", "⟨BC⟩", "\n"]


def test_every_byte_has_a_character() -> None:
    """The table is GPT-2's (Radford 2019), which is also in ``tokenizers``."""
    from tokenizers.pre_tokenizers import ByteLevel

    from engine.training.corpus.vocabulary import _BYTES

    assert set(_BYTES) == set(ByteLevel.alphabet())
    assert sorted(_BYTES.values()) == list(range(256))
    ((word, _),) = ByteLevel(add_prefix_space=False).pre_tokenize_str("é")
    assert bytes(_BYTES[character] for character in word) == "é".encode()
