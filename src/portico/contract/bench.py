"""A load test of a workload, kept as evidence: what was asked for, and what came of it."""

import msgspec


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles by nearest rank, microseconds, as the caller has seen them."""

    p50_us: int
    p90_us: int
    p99_us: int


class BenchConditions(msgspec.Struct, frozen=True, kw_only=True):
    """Two results can be compared as far as these are equal."""

    calls: int
    """Calls that were asked for; fewer are made where the time runs out."""
    concurrency: int
    stream: bool = True
    max_output_tokens: int | None = None
    prompts: int = 1
    prompt_bytes: int = 0
    """Of the messages of all prompts together, as JSON."""
    prompts_digest: str = ""
    """Hash of those messages: equal digests, equal prompts. The prompts are not kept."""


class BenchSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call as the one who made it saw it. Times are microseconds since it was sent."""

    call: str = ""
    """Empty where no reply came."""
    error: str = ""
    """Why there was no whole answer: an error code of Portico, "unreachable", "timeout", …"""
    total_us: int = 0
    first_token_us: int | None = None


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a load test found. Latencies are of the calls that held; money and tokens of all."""

    id: str
    workload: str
    started_ns: int
    duration_us: int
    conditions: BenchConditions
    by: str = ""
    """The id of the key or token that has stored it."""
    releases: tuple[str, ...] = ()
    """Of the receipts; several where the workload was changed while the test ran."""
    models: tuple[str, ...] = ()
    """The catalogue's names of the models that answered."""
    regions: tuple[str, ...] = ()
    made: int = 0
    ok: int = 0
    errors: tuple[tuple[str, int], ...] = ()
    """Failed calls by error code."""
    total: Latency | None = None
    first_token: Latency | None = None
    """None where answers came whole."""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_per_second: float = 0.0
    """Output tokens of all calls over the duration."""
    calls_per_second: float = 0.0
    """Calls that held over the duration."""
    cost_nano: int = 0
    """The exact sum of the receipts, nano-US-dollars."""
    unpriced: bool = False
    simulated: bool = False
    """A simulated model answered at least once: this is no evidence."""
    configuration: str = ""
    """Digest of the configuration that was live when the result was stored."""
    samples_digest: str = ""
    """Hash of the samples that the percentiles were made of."""
