"""Published architectures that several tests count with."""

from collections.abc import Mapping

from engine.recipes.recipe import ModelClass
from engine.shapes import Experts, LatentAttention, ModelShape

GPT2_124M = ModelShape(
    family="gpt2",
    n_layers=12,
    d_model=768,
    n_heads=12,
    n_kv_heads=12,
    head_dim=64,
    d_ff=3072,
    vocab=50257,
    seq_len_tokens=1024,
    tied_embeddings=True,
)
LLAMA2_7B = ModelShape(
    n_layers=32,
    d_model=4096,
    n_heads=32,
    n_kv_heads=32,
    head_dim=128,
    d_ff=11008,
    vocab=32000,
    seq_len_tokens=4096,
)
LLAMA3_8B = ModelShape(
    n_layers=32,
    d_model=4096,
    n_heads=32,
    n_kv_heads=8,
    head_dim=128,
    d_ff=14336,
    vocab=128256,
    seq_len_tokens=8192,
)
TINY = ModelShape(
    n_layers=2,
    d_model=64,
    n_heads=2,
    n_kv_heads=1,
    head_dim=32,
    d_ff=192,
    vocab=1024,
    seq_len_tokens=64,
    tied_embeddings=True,
)
LLAMA3_70B = ModelShape(
    n_layers=80,
    d_model=8192,
    n_heads=64,
    n_kv_heads=8,
    head_dim=128,
    d_ff=28672,
    vocab=128256,
    seq_len_tokens=8192,
)
DEEPSEEK_V3 = ModelShape(
    n_layers=61,
    d_model=7168,
    n_heads=128,
    n_kv_heads=128,
    head_dim=192,
    d_ff=18432,
    vocab=129280,
    seq_len_tokens=4096,
    moe=Experts(n_experts=256, top_k=8, d_ff=2048, n_shared_experts=1, n_dense_layers=3),
    mla=LatentAttention(),
)
# A shape of 7.5 billion parameters, as in figure 1 of Rajbhandari 2020.
GPT_7_5B = ModelShape(
    family="gpt2",
    n_layers=36,
    d_model=4096,
    n_heads=32,
    n_kv_heads=32,
    head_dim=128,
    d_ff=16384,
    vocab=50257,
    seq_len_tokens=1024,
    tied_embeddings=True,
)


def megatron_gpt(n_layers: int, d_model: int, n_heads: int) -> ModelShape:
    """A model of table 3 in Korthikanti 2022."""
    return ModelShape(
        family="gpt2",
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=d_model // n_heads,
        d_ff=4 * d_model,
        vocab=51200,
        seq_len_tokens=2048,
        tied_embeddings=True,
    )


GPT_22B = megatron_gpt(48, 6144, 64)
GPT_175B = megatron_gpt(96, 12288, 96)
GPT_530B = megatron_gpt(105, 20480, 128)
GPT_1T = megatron_gpt(128, 25600, 160)

FAMILIES: Mapping[ModelClass, Mapping[str, object]] = {
    "llama": {},
    "mixtral": {"moe": {"n_experts": 4, "top_k": 2, "d_ff": 96}},
    "gpt2": {"family": "gpt2", "n_kv_heads": 2},
    "bert": {"family": "bert", "n_kv_heads": 2},
}
"""Values that turn the shape of the smoke recipe, or ``TINY``, into one of each model type."""


def family_in_recipe(name: ModelClass) -> dict[str, object]:
    """Return the values of a model type as changes to a recipe."""
    return {f"shape.{field}": value for field, value in FAMILIES[name].items()}
