"""DeepSpeed's CPU communication operator: compiled once at set-up, never at a start.

``deepspeed.init_distributed`` compiles ``deepspeed_shm_comm`` when it can't find it, and a
build that was killed leaves a lock on which every later start waits for ever. So the set-up
builds it (``python -m engine.training.ops``), and each rank gives DeepSpeed either the built
file, past PyTorch's extension loader and its lock, or, without one, the word that the operator
does not exist, after which gloo does the work.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import torch
from filelock import FileLock

OP_NAME = "deepspeed_shm_comm"


def extensions_dir() -> Path:
    """Beside the interpreter that the operator was built for, one folder a PyTorch version."""
    return Path(sys.prefix) / "torch_extensions" / f"torch-{torch.__version__}"


def built_file() -> Path:
    return extensions_dir() / OP_NAME / f"{OP_NAME}.so"


def build() -> Path:
    """Compile the operator unless it is there; needs a C++ compiler and ninja on the PATH."""
    extensions_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(extensions_dir() / "build.lock"):
        if not built_file().is_file():
            # We hold the only way in, so a lock that still lies there is a dead build's.
            (built_file().parent / "lock").unlink(missing_ok=True)
            os.environ["TORCH_EXTENSIONS_DIR"] = str(extensions_dir())
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            os.environ["DS_ACCELERATOR"] = "cpu"
            from deepspeed.accelerator import get_accelerator

            get_accelerator().create_op_builder("ShareMemCommBuilder").load(verbose=False)
    return built_file()


def register_built_op() -> bool:
    """Make DeepSpeed use the built operator in this process, or none; says whether there is one.

    Call it before ``deepspeed.init_distributed``.
    """
    import deepspeed.ops
    from deepspeed.ops.op_builder.builder import OpBuilder

    if not built_file().is_file():
        deepspeed.ops.__compatible_ops__[OP_NAME] = False
        return False
    spec = importlib.util.spec_from_file_location(OP_NAME, built_file())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    OpBuilder._loaded_ops[OP_NAME] = module
    return True


def unlink_shared_buffer() -> None:
    """Take the name off this rank's buffer (69 MB of memory), which DeepSpeed never does: from then
    on it is freed with its processes, however they end. Every rank must have opened it by then."""
    ours = ("deepspeed_allreduce_buffer", os.getuid(), os.environ["MASTER_ADDR"])
    name = "_".join(map(str, (*ours, os.environ["MASTER_PORT"], os.environ["RANK"])))
    Path("/dev/shm", name).unlink(missing_ok=True)


if __name__ == "__main__":
    print(build())
