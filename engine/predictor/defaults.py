"""Defaults of a run that are not stated: the usual shape for a size, and the usual batch."""

from __future__ import annotations

import math

from engine.models.catalog import PublishedModel, published_models
from engine.shapes import Experts, ModelShape
from engine.units import SECONDS_PER_DAY

NEAR_SHARE = 0.06
"""Largest relative difference, in total and in active parameters, to a published model whose
shape is used."""
MOST_SEQ_LEN_TOKENS = 8_192
_WIDTH_STEP = 128
_HEAD_DIM = 128
_VOCAB = 64_000
_SEQ_LEN_TOKENS = 4_096
_TOKENS_PER_EXPERT_WIDTH = 3.5
"""Model width divided by expert width, as in DeepSeek-V3."""


def usual_shape(parameters: float, active_parameters: float | None = None) -> ModelShape:
    """Return a shape of about ``parameters``, of which a token passes ``active_parameters``.

    The shape is that of the nearest published model if it differs by at most ``NEAR_SHARE``.
    Otherwise it follows Llama: gated, head width 128, grouped keys above ten billion parameters,
    and about as many layers as published models of the size. Where fewer parameters are active
    than in total, it has experts as in DeepSeek-V3.
    """
    active = active_parameters or parameters
    near = _nearest_published(parameters, active)
    if near is not None:
        shape = near.shape
        # Some models publish an extended context that is longer than in training.
        length = min(shape.seq_len_tokens, MOST_SEQ_LEN_TOKENS)
        return shape.model_copy(update={"seq_len_tokens": length})
    dense = _usual_dense(active)
    if active >= 0.9 * parameters:
        return dense
    return _with_experts(dense, parameters)


def _nearest_published(parameters: float, active: float) -> PublishedModel | None:
    def distance(model: PublishedModel) -> float:
        count = model.shape.count_parameters()
        return max(abs(math.log(count.total / parameters)), abs(math.log(count.active / active)))

    best = min(published_models().values(), key=distance)
    return best if distance(best) <= math.log(1 + NEAR_SHARE) else None


def _usual_dense(parameters: float) -> ModelShape:
    """Return a dense shape of about ``parameters``.

    Layers grow about with the cube root of the size: 12 at 0.1B, 32 at 7B, 80 at 70B and 126 at
    405B.
    """
    layers = max(4, round(16.7 * (parameters / 1e9) ** 0.337))
    n_layers: int = layers if layers < 16 else 2 * round(layers / 2)
    embeddings = 2 if parameters > 2e9 else 1
    # The positive root for d of 12·L·d² + embeddings·vocab·d = parameters.
    half = embeddings * _VOCAB / (2 * 12 * n_layers)
    width = math.sqrt(half**2 + parameters / (12 * n_layers)) - half
    d_model = max(_WIDTH_STEP, round(width / _WIDTH_STEP) * _WIDTH_STEP)
    head_dim = _HEAD_DIM if d_model >= 1_536 else 64
    n_heads = d_model // head_dim
    n_kv_heads = 8 if parameters > 1e10 and n_heads % 8 == 0 else n_heads
    attention = d_model * (2 * n_heads + 2 * n_kv_heads) * head_dim
    rest = parameters - embeddings * _VOCAB * d_model
    d_ff = (rest / n_layers - attention) / (3 * d_model)
    return ModelShape(
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        d_ff=max(_WIDTH_STEP, round(d_ff / _WIDTH_STEP) * _WIDTH_STEP),
        vocab=_VOCAB,
        seq_len_tokens=_SEQ_LEN_TOKENS,
        tied_embeddings=embeddings == 1,
    )


def _with_experts(dense: ModelShape, parameters: float) -> ModelShape:
    """Return the dense shape with its feed-forward networks divided into experts.

    The experts of one token make up the dense width, and all experts make up ``parameters``.
    """
    width = max(64, round(dense.d_model / _TOKENS_PER_EXPERT_WIDTH / 64) * 64)
    top_k = max(1, round(dense.d_ff / width))
    expert = dense.ffn_matrices * dense.d_model * width
    spare = (parameters - dense.count_parameters().total) / (dense.n_layers * expert)
    n_experts = max(top_k + 1, 8 * round((top_k + spare) / 8))
    return dense.model_copy(update={"moe": Experts(n_experts=n_experts, top_k=top_k, d_ff=width)})


def usual_batch_tokens(parameters: float) -> float:
    """Return the usual tokens of one step, by published runs.

    They are half a million at 0.1B parameters, 4 million at 7B, 16 million at 100B and at most 32
    million. For a mixture of experts, ``parameters`` is the geometric mean of active and total
    parameters.
    """
    return min(32e6, max(0.5e6, 4e6 * math.sqrt(parameters / 7e9)))


def usual_devices(parameters: float, tokens: float, flops_per_s: float) -> int:
    """Return the devices that train a model in about a month at 40% of ``flops_per_s``.

    They fill nodes of 8, and the number of nodes is a power of two.
    """
    month_s = 30 * SECONDS_PER_DAY
    wanted = 6 * parameters * tokens / (0.4 * flops_per_s * month_s)
    return 8 << max(0, min(11, round(math.log2(max(1.0, wanted / 8)))))


def usual_batch_sequences(shape: ModelShape, n_devices: int) -> int:
    """Return the usual batch in sequences, rounded to a multiple of ``n_devices``."""
    count = shape.count_parameters()
    tokens = usual_batch_tokens(math.sqrt(count.active * count.total))
    per_device = max(1, round(tokens / shape.seq_len_tokens / n_devices))
    return n_devices << round(math.log2(per_device))
