"""Published architectures that several tests count with."""

from engine.shapes import ModelShape

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
