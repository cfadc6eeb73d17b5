"""Latencies of a replica at each batch size, and prices of tokens.

A replica (:mod:`engine.serving.replica`) alternates between two kinds of passes, prompts first:

prefill   all new tokens of some prompts at once: mostly computing
decode    one new token of each sequence of a batch: reads all weights and all caches

Each kind of token is priced by the device time that it takes. Prefill on separate devices is not
modelled. :mod:`engine.serving.load` counts the replicas for a load.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.serving.passes import Array, Bound, Pass, PassSeconds, pass_time
from engine.serving.replica import AttentionSplit, Replica, Request
from engine.units import BYTES_PER_GB, SECONDS_PER_HOUR, TOKENS_PER_MILLION

PREFILL_TOKENS = 1_024
"""Tokens up to which short prompts share a prefill. With as many, dense layers are bound by
computing, so that waiting for more prompts gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPoint:
    """A busy replica that works on ``batch`` sequences at a time."""

    tensor_parallel: int
    attention_split: AttentionSplit
    batch: int
    most_sequences: int
    """Sequences that fit in memory."""
    kv_cache_bytes_per_token: float
    """Size of one copy of the cache for one token, in bytes."""
    prefill_s: float
    """Seconds of one prefill: of several short prompts, or of one long prompt."""
    decode_step_s: float
    """Seconds of one decode step without interruption: one new token for each sequence."""
    time_to_first_token_s: float
    """Mean seconds to the first token, with waiting for a step to end and for other prompts."""
    inter_token_latency_s: float
    """Mean seconds between tokens, with interruptions by other sequences' prompts."""
    prefill_tokens_per_s_per_device: float
    """New input tokens per second of prefill and device."""
    decode_tokens_per_s_per_device: float
    """Output tokens per second of decoding and device."""
    decode_tokens_per_s_per_sequence: float
    """Output tokens per second of decoding of one sequence."""
    requests_per_s: float
    """Requests per second of the whole replica, prefill and decoding in turn."""
    prefill_bound: Bound
    decode_bound: Bound
    device_s_per_new_token: float
    """Device seconds of one input token that is computed."""
    device_s_per_cached_token: float
    """Device seconds of one input token that is read from the cache and attended to."""
    device_s_per_output_token: float
    """Device seconds of one output token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A replica at several batch sizes; every array has one element for each batch size."""

    replica: Replica
    request: Request
    batch: Array
    together: Array
    """Prompts of one prefill."""
    reading: PassSeconds
    """Seconds of a prefill without a cached prefix."""
    prefill: PassSeconds
    """Seconds of a prefill with its cached prefix."""
    decode: PassSeconds
    """Seconds of a decode step."""
    cached_token_s: Array
    """Seconds that one cached token of one prompt adds to its prefill."""
    prefill_s: Array
    time_to_first_token_s: Array
    inter_token_latency_s: Array
    request_s: Array
    """Seconds of the replica's time that one request takes."""

    def point(self, at: int) -> ServingPoint:
        """Return the operating point of batch size number ``at``."""
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
    """Return a replica at each of ``batches``, whether they fit in memory or not.

    With B sequences that each take P seconds of prefill and T decode steps of S seconds, a
    request takes P + T·S/B seconds of the replica's time. B − 1 other prompts are read while a
    sequence generates, so that a token follows every S + (B − 1)·P/T seconds. A prompt waits for
    half of a step, and for earlier prompts as in a queue with Poisson arrivals and equal service
    (Pollaczek–Khinchine); both waits are scaled by (B − 1)/B, since the other sequences cause
    them.

    A cached token costs the time that it adds to the prefill: its keys and values are read and
    compared with new tokens, and loaded first where they are kept elsewhere. Memory for the
    cache costs nothing extra, since the device's price includes it.
    """
    batch = np.atleast_1d(np.asarray(batches, dtype=np.float64))
    new, cached, output = request.new_tokens, request.cached_tokens, request.output_tokens
    # Split by sequences, a device without a prompt would be idle.
    fewest = replica.tensor_parallel if replica.by_sequences else 1
    together = np.minimum(max(PREFILL_TOKENS // new, fewest), batch)

    def prefill(prefix_tokens: int) -> PassSeconds:
        attended = prefix_tokens + (new + 1) / 2  # on average; later tokens see more
        return pass_time(
            replica,
            Pass(
                sequences=together,
                tokens=together * new,
                pairs=together * new * attended,
                cached=together * prefix_tokens,
                is_decode=False,
            ),
        )

    context = batch * (request.input_tokens + output / 2)
    decode = pass_time(
        replica,
        Pass(sequences=batch, tokens=batch, pairs=context, cached=context, is_decode=True),
    )
    reading, with_prefix = prefill(0), prefill(max(cached, 1))
    cached_token_s = (with_prefix.total - reading.total) / (together * max(cached, 1))
    if replica.efficiency.prefix_gb_per_s:
        # Split by sequences, the devices load different prompts at the same time.
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
    """Return the operating point of the replica at one batch size.

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
    """Cost of serving in device time alone, without profit or staff."""

    usd_per_million_input_tokens: float
    """USD for a million input tokens that are computed."""
    usd_per_million_cached_tokens: float
    """USD for a million input tokens that are read from the cache."""
    usd_per_million_output_tokens: float
    usd_per_request: float


def token_prices(
    point: ServingPoint,
    request: Request,
    usd_per_device_hour: float,
    utilisation_share: float = 1.0,
) -> TokenPrices:
    """Return the cost of each kind of token, by the device time that it takes at ``point``.

    A request costs the sum of the three prices times its tokens of each kind. Devices are busy
    for ``utilisation_share`` of the hours that are paid for.

    Raises
    ------
    InputError
        If ``utilisation_share`` is not above 0 and at most 1.
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
