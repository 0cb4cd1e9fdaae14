"""Counts read as prometheus-client's own would be."""

import re

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from portico.gateway.tally import SECONDS, counter, histogram

TIME = re.compile(r"^(\w+_created.*) \S+$", re.MULTILINE)


def text(registry: CollectorRegistry) -> str:
    """The exposition, without the times at which children were made."""
    return TIME.sub(r"\1", generate_latest(registry).decode())


def test_the_exposition_is_that_of_the_library() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = counter(ours, "calls", "Calls", ("workload", "status"))
    spreads = histogram(ours, "seconds", "Seconds", ("workload",))
    known = Counter("calls", "Calls", ("workload", "status"), registry=theirs)
    spread = Histogram("seconds", "Seconds", ("workload",), buckets=SECONDS, registry=theirs)
    assert text(ours) == text(theirs)
    for labels in (("a", "ok"), ("a", "ok"), ("b", 'with "quotes"\n')):
        counts[labels].value += 2
        known.labels(*labels).inc(2)
    for seconds in (0.0, 0.05, 0.051, 1.0, 299.0, 300.0, 301.0):
        spreads[("a",)].add(seconds)
        spread.labels("a").observe(seconds)
    assert 'calls_total{status="ok",workload="a"} 4.0' in text(ours)
    assert text(ours) == text(theirs)
