"""DeepSpeed's CPU communication operator, compiled at set-up and never at the start of a run.

``deepspeed.init_distributed`` compiles ``deepspeed_shm_comm`` if it does not find it, and a killed
build leaves a lock on which every later start waits forever. Therefore the set-up builds the
operator (``python -m engine.training.ops``). Each rank then registers the built file with DeepSpeed
without PyTorch's extension loader and its lock. Without a built file it declares the operator
incompatible, and DeepSpeed uses gloo.
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
    """Return the folder of built operators in this environment, one per PyTorch version."""
    return Path(sys.prefix) / "torch_extensions" / f"torch-{torch.__version__}"


def built_file() -> Path:
    """Return the path of the operator's shared library, which may not exist yet."""
    return extensions_dir() / OP_NAME / f"{OP_NAME}.so"


def build() -> Path:
    """Compile the operator unless it is built; needs a C++ compiler and ninja on the PATH."""
    extensions_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(extensions_dir() / "build.lock"):
        if not built_file().is_file():
            # This process holds the build lock, so a remaining lock belongs to a dead build.
            (built_file().parent / "lock").unlink(missing_ok=True)
            os.environ["TORCH_EXTENSIONS_DIR"] = str(extensions_dir())
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            os.environ["DS_ACCELERATOR"] = "cpu"
            from deepspeed.accelerator import get_accelerator

            get_accelerator().create_op_builder("ShareMemCommBuilder").load(verbose=False)
    return built_file()


def register_built_op() -> bool:
    """Make DeepSpeed use the built operator in this process, or none if it is not built.

    Call this before ``deepspeed.init_distributed``. Returns whether the operator is built.
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
    """Unlink this rank's shared-memory buffer (69 MB), which DeepSpeed never does.

    The memory is then freed when the processes end, however they end. Every rank must have opened
    the buffer before.
    """
    address, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    parts = ("deepspeed_allreduce_buffer", os.getuid(), address, port, os.environ["RANK"])
    name = "_".join(map(str, parts))
    Path("/dev/shm", name).unlink(missing_ok=True)


if __name__ == "__main__":
    print(build())
