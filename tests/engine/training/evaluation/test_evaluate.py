"""Evaluation of a model that guesses and of a model that has counted the text."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.documents import InputError
from engine.scores import Evaluation, QuestionSettings
from engine.training.evaluation.evaluate import Evaluator
from engine.training.objectives import NextToken
from tests.engine.training.tiny_models import CONTEXT, STORIES, VOCAB, exported


class Bigrams:
    """Model with the counts of a text's token pairs; without a text it guesses."""

    device = "cpu"

    def __init__(self, tokens: np.ndarray | None = None) -> None:
        self.config = SimpleNamespace(
            model_type="llama", vocab_size=VOCAB, max_position_embeddings=CONTEXT
        )
        counts = torch.full((VOCAB, VOCAB), 0.01)
        for first, second in pairwise(() if tokens is None else tokens.tolist()):
            counts[first, second] += 1
        self.logits = torch.log(counts)

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.logits[input_ids])


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return exported("llama", tmp_path_factory.mktemp("model"))[1]


@pytest.fixture(scope="module")
def corpus(tokenizer) -> SimpleNamespace:
    ids = [token for story in STORIES for token in [*tokenizer(story).input_ids, 0]]
    tokens = np.array(ids, dtype=np.uint32)
    report = SimpleNamespace(bits_per_byte=lambda loss: 7 * loss, n_held_out_tokens=len(tokens))
    return SimpleNamespace(held_out_tokens=lambda: tokens, report=report)


def evaluate(model, tokenizer, corpus, **settings: int) -> Evaluation:
    evaluator = Evaluator(
        model, tokenizer, corpus, NextToken(), QuestionSettings.parse({"questions": 16} | settings)
    )
    return Evaluation.parse({"which": "final"} | evaluator.evaluate())


def test_a_model_that_guesses(tokenizer, corpus) -> None:
    found = evaluate(Bigrams(), tokenizer, corpus)
    assert found.held_out_loss == pytest.approx(np.log(VOCAB))
    assert found.perplexity == pytest.approx(VOCAB)
    assert found.bits_per_byte == pytest.approx(7 * np.log(VOCAB))
    assert found.objective == "next_token"
    by_name = {score.probe: score for score in found.probes}
    assert set(by_name) == {"continuation", "cloze", "shuffled"}
    assert by_name["shuffled"].accuracy == 0.5  # every sentence scores the same
    assert by_name["continuation"].accuracy < 0.7


def test_a_model_that_knows_the_text(tokenizer, corpus) -> None:
    found = evaluate(Bigrams(corpus.held_out_tokens()), tokenizer, corpus)
    tokens = corpus.held_out_tokens().astype(int)
    windows = tokens[: len(tokens) // CONTEXT * CONTEXT].reshape(-1, CONTEXT)
    steps = torch.log_softmax(Bigrams(tokens).logits, -1)[windows[:, :-1], windows[:, 1:]]
    assert found.held_out_loss == pytest.approx(-steps.mean().item(), rel=1e-5)
    assert found.n_scored_tokens == windows[:, 1:].size
    by_name = {score.probe: score for score in found.probes}
    assert by_name["shuffled"].n_questions == 16
    assert by_name["shuffled"].accuracy > 0.9
    assert by_name["shuffled"].chance == 0.5
    assert all(
        score.accuracy_low <= score.accuracy <= score.accuracy_high for score in found.probes
    )


def test_the_share_that_is_done_rises_to_one(tokenizer, corpus) -> None:
    shares: list[float] = []
    Evaluator(Bigrams(), tokenizer, corpus, NextToken(), QuestionSettings(questions=8)).evaluate(
        shares.append
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_the_same_questions_each_time(tokenizer, corpus) -> None:
    model = Bigrams(corpus.held_out_tokens()[:60])
    first = evaluate(model, tokenizer, corpus)
    assert evaluate(model, tokenizer, corpus).probes == first.probes
    assert evaluate(model, tokenizer, corpus, seed=2).probes != first.probes


def test_a_held_out_text_shorter_than_a_window(tokenizer, corpus) -> None:
    short = SimpleNamespace(
        held_out_tokens=lambda: corpus.held_out_tokens()[: CONTEXT - 1], report=corpus.report
    )
    with pytest.raises(InputError, match=rf"held_out_tokens: {CONTEXT - 1} .* at least {CONTEXT}"):
        evaluate(Bigrams(), tokenizer, short)


def test_a_long_text_is_sampled(tokenizer, corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.training.evaluation.evaluate.SCORED_TOKENS", 3 * CONTEXT)
    found = evaluate(Bigrams(), tokenizer, corpus)
    assert found.n_scored_tokens == 3 * (CONTEXT - 1)
    assert found.n_held_out_tokens == len(corpus.held_out_tokens())


def test_a_model_whose_loss_is_no_number(tokenizer, corpus) -> None:
    broken = Bigrams()
    broken.logits[:] = float("nan")
    with pytest.raises(InputError, match=r"held_out_loss: nan .* finite"):
        evaluate(broken, tokenizer, corpus)


def test_bert_fills_in_what_training_would_mask(tokenizer, corpus, tmp_path) -> None:
    from engine.training.objectives import MaskedTokens
    from tests.engine.runs.faked import smoke

    bert, bert_tokenizer = exported("bert", tmp_path)
    recipe = smoke(
        **{"shape.family": "bert", "shape.n_kv_heads": 2, "shape.vocab": 500,
           "tokenizer_vocab": bert_tokenizer.mask_token_id}
    )  # fmt: skip
    objective = MaskedTokens(recipe)
    found = Evaluation.parse(
        {"which": "final"}
        | Evaluator(
            bert, bert_tokenizer, corpus, objective, QuestionSettings(questions=4)
        ).evaluate()
    )
    tokens = corpus.held_out_tokens().astype(np.int64)
    losses, n_windows = [], len(tokens) // CONTEXT
    for position in range(n_windows):
        window = tokens[position * CONTEXT : (position + 1) * CONTEXT]
        examples = objective.held_out_examples(window[None], [position])
        with torch.no_grad():
            losses.append(bert(**examples.to(torch.device("cpu"))).loss.item())
    assert found.held_out_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.objective == "masked_token"
    assert found.bits_per_byte is None
    assert {score.probe for score in found.probes} == {"continuation", "cloze", "shuffled"}
