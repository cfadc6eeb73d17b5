"""``python -m engine serving-capacity``: devices for a load by hand, limits, and bad input."""

import json
import math
import re
from typing import Any

import pytest

from engine.paths import DATA_DIR
from tests.engine.command_line import engine

STARTUP = str(DATA_DIR / "scenarios" / "startup-1b.toml")


def rows(*words: str) -> dict[str, Any]:
    found = engine("serving-capacity", STARTUP, "--tokens-per-day", *words, "--json")
    assert found.status == 0, found.err
    return json.loads(found.out)


def test_devices_and_costs_by_hand() -> None:
    found = rows("50B")
    own = found["rows"][0]
    capacity = own["point"]["requests_per_s"] * found["utilisation_share"]
    assert own["replicas"] == math.ceil(found["requests_per_s"] / capacity)
    assert own["devices"] == own["replicas"] * own["point"]["tensor_parallel"]
    assert own["cost_ratio"] == 1
    fp8 = {row["weights"]: row for row in found["rows"]}["fp8"]
    assert fp8["weight_bytes"] < 0.7 * own["weight_bytes"]
    assert fp8["cost_ratio"] == pytest.approx(
        fp8["prices"]["usd_per_request"] / own["prices"]["usd_per_request"]
    )
    assert fp8["devices"] < own["devices"]


def test_a_limit_takes_more_devices_or_cannot_be_met() -> None:
    free = rows("50B")["rows"][0]
    limited = rows("50B", "--inter-token-latency-s", "0.002")["rows"][0]
    assert limited["point"]["inter_token_latency_s"] <= 0.002
    assert limited["devices"] > free["devices"]
    impossible = rows("50B", "--time-to-first-token-s", "0.00001")["rows"]
    assert {row["reason"] for row in impossible} == {"time_to_first_token"}
    assert {row["devices"] for row in impossible} == {None}
    printed = engine(
        "serving-capacity", STARTUP, "--tokens-per-day", "50B", "--time-to-first-token-s", "0.00001"
    )
    assert printed.out.count("first token too late") == 5


def test_another_accelerator_serves_faster() -> None:
    here, there = (
        rows("50B", *words)["rows"][0]["point"]["inter_token_latency_s"]
        for words in ((), ("--accelerator", "B200"))
    )
    assert there < here


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tokens-per-day", "lots"), "tokens_per_day: lots .* count"),
        (("--tokens-per-day", "1B", "--accelerator", "H1000"), "accelerator: H1000 .* nearest"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], message: str) -> None:
    found = engine("serving-capacity", STARTUP, *words)
    assert (found.status, found.out) == (2, "")
    [line] = found.err.splitlines()
    assert re.search(message, line), line
