"""Rows of a table of runs that say everything, for tests to leave something out of."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

LLAMA3_8B_ROW = {
    "id": "one",
    "source_id": "somebody",
    "release": "",
    "framework": "Megatron-LM",
    "workload": "pretrain",
    "model": "Llama-3 8B",
    "arch_family": "dense",
    "n_layers": "32",
    "d_model": "4096",
    "n_heads": "32",
    "n_kv_heads": "8",
    "head_dim": "128",
    "d_ff": "14336",
    "gated_ffn": "1",
    "vocab": "128256",
    "tied_embeddings": "0",
    "n_experts": "",
    "moe_top_k": "",
    "moe_d_ff": "",
    "n_shared_experts": "",
    "n_dense_layers": "",
    "mla": "",
    "seq_len": "8192",
    "gpu": "H100-80GB",
    "gpus_per_node": "8",
    "n_gpus": "64",
    "precision": "bf16",
    "tp": "2",
    "pp": "4",
    "vp": "2",
    "cp": "2",
    "ep": "1",
    "zero_stage": "1",
    "sharding": "",
    "act_ckpt": "none",
    "cpu_offload": "0",
    "compile": "0",
    "async_tp": "0",
    "micro_batch": "2",
    "grad_accum": "8",
    "global_batch": "64",
    "interconnect": "DGX-H100 8x400Gb/s",
    "tokens_per_sec_per_gpu": "",
    "mem_gb": "",
    "notes": "",
}
MIXTRAL_ROW = LLAMA3_8B_ROW | {
    "id": "two",
    "model": "Mixtral 8x7B",
    "arch_family": "moe",
    "vocab": "32000",
    "n_experts": "8",
    "moe_top_k": "2",
    "moe_d_ff": "14336",
    "ep": "8",
}


def write_rows(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
