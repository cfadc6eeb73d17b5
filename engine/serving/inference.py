"""Serving a trained model: latencies, prices of tokens, and devices for a load.

A replica (:mod:`engine.serving.replica`) does two kinds of passes in turn, prompts first:

prefill   all new tokens of some prompts at once: mostly computing
decode    one new token of each sequence of a batch: reads all weights and all caches

Device time is what costs, so that each kind of token is priced by the time that it takes.
Prefill on devices of its own is left out. How many replicas a load takes, and what another form
of the model changes, is in :mod:`engine.serving.load`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.serving.passes import Array, Bound, PassSeconds, pass_time
from engine.serving.replica import AttentionSplit, Replica, Request
from engine.units import BYTES_PER_GB, SECONDS_PER_HOUR, TOKENS_PER_MILLION

PREFILL_TOKENS = 1_024
"""Short prompts are read together up to so many tokens: by then dense layers are bound by
computing, and waiting for more gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPoint:
    """A busy replica that works on ``batch`` sequences at a time."""

    tensor_parallel: int
    attention_split: AttentionSplit
    batch: int
    most_sequences: int
    """That fit in memory."""
    kv_cache_bytes_per_token: float
    """Of one copy of the cache."""
    prefill_s: float
    """Reading the prompts that are read together, one if they are long."""
    decode_step_s: float
    """One new token for each sequence of the batch, without interruption."""
    time_to_first_token_s: float
    """On average, with waiting: for a step to end, and for other prompts."""
    inter_token_latency_s: float
    """On average, with the interruptions by other sequences' prompts."""
    prefill_tokens_per_s_per_device: float
    """New input tokens, while prompts are read."""
    decode_tokens_per_s_per_device: float
    """While tokens are generated."""
    decode_tokens_per_s_per_sequence: float
    requests_per_s: float
    """Of the whole replica, doing both in turn."""
    prefill_bound: Bound
    decode_bound: Bound
    device_s_per_new_token: float
    """Device time of an input token that is computed."""
    device_s_per_cached_token: float
    """Of one that is read from the cache, and attended to."""
    device_s_per_output_token: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A replica at several batch sizes; every array has one element for each."""

    replica: Replica
    request: Request
    batch: Array
    together: Array
    """Prompts that are read in one pass."""
    reading: PassSeconds
    """Prefill without a cached prefix."""
    prefill: PassSeconds
    decode: PassSeconds
    cached_token_s: Array
    prefill_s: Array
    time_to_first_token_s: Array
    inter_token_latency_s: Array
    request_s: Array
    """Of the replica's time, by one request."""

    def point(self, at: int) -> ServingPoint:
        request, degree = self.request, self.replica.tensor_parallel
        batch, step_s = float(self.batch[at]), float(self.decode.total[at])
        together, prefill_s = float(self.together[at]), float(self.prefill_s[at])
        reading_s = float(self.reading.total[at]) / together
        return ServingPoint(
            tensor_parallel=degree,
            attention_split=self.replica.attention_split,
            batch=int(batch),
            most_sequences=self.replica.most_sequences(request),
            kv_cache_bytes_per_token=self.replica.model.cache_bytes_per_token,
            prefill_s=prefill_s,
            decode_step_s=step_s,
            time_to_first_token_s=float(self.time_to_first_token_s[at]),
            inter_token_latency_s=float(self.inter_token_latency_s[at]),
            prefill_tokens_per_s_per_device=request.new_tokens * together / prefill_s / degree,
            decode_tokens_per_s_per_device=batch / step_s / degree,
            decode_tokens_per_s_per_sequence=1 / step_s,
            requests_per_s=1 / float(self.request_s[at]),
            prefill_bound=self.prefill.bound(at),
            decode_bound=self.decode.bound(at),
            device_s_per_new_token=reading_s * degree / request.new_tokens,
            device_s_per_cached_token=float(self.cached_token_s[at]) * degree,
            device_s_per_output_token=step_s * degree / batch,
        )


def sweep(replica: Replica, request: Request, batches: npt.ArrayLike) -> Sweep:
    """A replica at each of ``batches``, whether they fit in memory or not.

    With B sequences, of which each needs P seconds of prefill and T decode steps of S seconds,
    a request takes P + T·S/B of the replica's time. B − 1 other prompts are read while a
    sequence generates, so that a token comes every S + (B − 1)·P/T. A prompt waits for half of
    a step, and for prompts before it as in a queue with Poisson arrivals and equal service
    (Pollaczek–Khinchine), both as far as the B − 1 others keep the replica busy.

    A cached token costs what the prefill takes longer for it: reading its keys and values, and
    comparing new tokens with them; and its way back to the device where it is kept elsewhere.
    Keeping it takes memory that the device's price pays already; nothing is added.
    """
    batch = np.atleast_1d(np.asarray(batches, dtype=np.float64))
    new, cached, output = request.new_tokens, request.cached_tokens, request.output_tokens
    # Split by sequences, devices without a prompt would have nothing to do.
    fewest = replica.tensor_parallel if replica.by_sequences else 1
    together = np.minimum(max(PREFILL_TOKENS // new, fewest), batch)

    def prefill(prefix_tokens: int) -> PassSeconds:
        attended = prefix_tokens + (new + 1) / 2  # on average; later tokens see more
        return pass_time(
            replica,
            sequences=together,
            tokens=together * new,
            pairs=together * new * attended,
            cached=together * prefix_tokens,
            decode=False,
        )

    context = batch * (request.input_tokens + output / 2)
    decode = pass_time(
        replica, sequences=batch, tokens=batch, pairs=context, cached=context, decode=True
    )
    reading, with_prefix = prefill(0), prefill(max(cached, 1))
    cached_token_s = (with_prefix.total - reading.total) / (together * max(cached, 1))
    if replica.efficiency.prefix_gb_per_s:
        # Split by sequences, devices bring back different prompts at the same time.
        token_bytes = replica.cache_bytes_per_token / fewest
        cached_token_s = cached_token_s + token_bytes / (
            replica.efficiency.prefix_gb_per_s * BYTES_PER_GB
        )

    prefill_s = reading.total + together * cached * cached_token_s
    prompt_s, step_s = prefill_s / together, decode.total
    request_s = prompt_s + output * step_s / batch
    prefill_share = prompt_s / request_s
    queue_s = prefill_share * prefill_s / (2 * (1 - prefill_share))
    waiting_s = (batch - 1) / batch * ((1 - prefill_share) * step_s / 2 + queue_s)
    return Sweep(
        replica=replica,
        request=request,
        batch=batch,
        together=together,
        reading=reading,
        prefill=with_prefix if cached else reading,
        decode=decode,
        cached_token_s=cached_token_s,
        prefill_s=prefill_s,
        time_to_first_token_s=prefill_s + waiting_s,
        inter_token_latency_s=step_s + (batch - 1) * prompt_s / output,
        request_s=request_s,
    )


def serve(replica: Replica, request: Request, batch: int) -> ServingPoint:
    """The replica at one batch size.

    Raises
    ------
    InputError
        If ``batch`` sequences do not fit in memory.
    """
    most = replica.most_sequences(request)
    if not 1 <= batch <= most:
        raise InputError("batch", batch, "between", low=1, high=most)
    return sweep(replica, request, batch).point(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """What serving costs; no profit, no staff."""

    usd_per_million_input_tokens: float
    """Input that is computed."""
    usd_per_million_cached_tokens: float
    usd_per_million_output_tokens: float
    usd_per_request: float


def token_prices(
    point: ServingPoint,
    request: Request,
    usd_per_device_hour: float,
    utilisation_share: float = 1.0,
) -> TokenPrices:
    """Cost of each kind of token by the device time that it takes at ``point``.

    The three prices times the tokens of a request are what the request costs. Of the paid
    hours the devices are busy for ``utilisation_share``.
    """
    if not 0 < utilisation_share <= 1:
        raise InputError("utilisation_share", utilisation_share, "between", low=0, high=1)
    usd_per_s = usd_per_device_hour / SECONDS_PER_HOUR / utilisation_share
    return TokenPrices(
        usd_per_million_input_tokens=point.device_s_per_new_token * usd_per_s * TOKENS_PER_MILLION,
        usd_per_million_cached_tokens=point.device_s_per_cached_token
        * usd_per_s
        * TOKENS_PER_MILLION,
        usd_per_million_output_tokens=point.device_s_per_output_token
        * usd_per_s
        * TOKENS_PER_MILLION,
        usd_per_request=usd_per_s
        * (
            point.device_s_per_new_token * request.new_tokens
            + point.device_s_per_cached_token * request.cached_tokens
            + point.device_s_per_output_token * request.output_tokens
        ),
    )
