"""Models, devices and requests that the tests of serving share."""

from engine.facts import Accelerator, accelerator
from engine.serving.replica import (
    Deployment,
    Replica,
    Request,
    ServedModel,
    ServingEfficiency,
    replicas,
)
from tests.engine.shapes import DEEPSEEK_V3, LLAMA2_7B, LLAMA3_8B, LLAMA3_70B

A100 = accelerator("A100-80GB")
H100 = accelerator("H100-80GB")
H200 = accelerator("H200-141GB")
EFFICIENCY = ServingEfficiency(matmul_share=0.7, bandwidth_share=0.8, attention_share=0.3)
REQUEST = Request(input_tokens=1_000, output_tokens=300)
SMALL = ServedModel(shape=LLAMA2_7B)
GROUPED = ServedModel(shape=LLAMA3_8B)
LARGE = ServedModel(shape=LLAMA3_70B)
SPARSE = ServedModel(shape=DEEPSEEK_V3, weights="fp8")


def deployed(
    model: ServedModel,
    device: Accelerator = H100,
    *,
    tensor_parallel: int | None = None,
    efficiency: ServingEfficiency = EFFICIENCY,
) -> Deployment:
    return Deployment(
        model=model, device=device, efficiency=efficiency, tensor_parallel=tensor_parallel
    )


def smallest_replica(model: ServedModel, device: Accelerator, request: Request) -> Replica:
    """Return the smallest replica that holds a request and leaves a tenth of memory for caches."""
    return next(
        replica
        for replica in replicas(deployed(model, device))
        if replica.most_sequences(request)
        and replica.cache_room_bytes >= 0.1 * replica.usable_bytes
    )
