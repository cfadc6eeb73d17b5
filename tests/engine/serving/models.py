"""What the tests of serving share: models, a device, requests."""

from engine.facts import accelerator
from engine.serving.replica import Request, ServedModel, ServingEfficiency
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
