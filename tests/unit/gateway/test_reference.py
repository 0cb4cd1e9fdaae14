"""The reference pages list what the code has, no more and no less."""

import re
from pathlib import Path

from portico.contract import errors
from portico.contract.call import Options
from portico.contract.energy import Energy
from portico.contract.receipt import Attempt, Receipt
from portico.gateway import reply
from portico.gateway.app import CALLS
from portico.gateway.metrics import Metrics
from portico.gateway.wires import DOORS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page, without head and rule."""
    lines = (REFERENCE / page).read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return [row for row in cells if row[0].startswith("`")]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def every(kind: type[errors.PorticoError]) -> set[type[errors.PorticoError]]:
    return {kind}.union(*(every(child) for child in kind.__subclasses__()))


def test_every_error_is_listed_with_its_statuses_fault_and_retry() -> None:
    listed = {}
    for code, statuses, fault, retry, *_ in rows("errors.md"):
        (name,) = names(code)
        listed[name] = (set(map(int, statuses.split(", "))), fault, retry.split(" ")[0])
    known: dict[str, tuple[set[int], str, str]] = {}
    for kind in every(errors.PorticoError):
        if kind.__module__ != errors.__name__:
            continue
        seen, fault, retry = known.get(kind.code, (set(), kind.fault, kind.retry))
        known[kind.code] = (seen | {kind.status}, fault, min(retry, kind.retry))
    assert listed == known


def test_every_metric_is_listed_with_its_labels() -> None:
    listed = {name.strip("`"): labels for name, _, labels, _ in rows("metrics.md")}
    known = {}
    for family in Metrics().registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        known[name] = family.type
    assert set(listed) == set(known)
    assert {name.strip("`"): kind for name, kind, *_ in rows("metrics.md")} == known


def test_every_header_is_listed() -> None:
    listed = set().union(*(names(row[0]) for row in rows("headers.md")))
    receipt = Receipt(call="call_1", door="openai_chat", received_ns=0, attempts=(
        Attempt(id="a", provider="p", kind="openai", model="m", model_id="m"),),
        energy=Energy(low_nwh=1, high_nwh=2, co2e_low_ng=1, co2e_high_ng=2))  # fmt: skip
    error = errors.QuotaExhausted("slow", retry_after=2)
    refusal = reply.refusal(error, "call_1", DOORS["openai_chat"])
    sent = [*reply.closing(receipt), *refusal[1], (b"idempotent-replayed", b"true")]
    assert listed == {name.decode() for name, _ in sent} - {"content-type"}


def test_every_door_and_option_is_listed() -> None:
    page = (REFERENCE / "doors.md").read_text()
    for path in CALLS:
        assert f"`POST {path}`" in page
    listed = set().union(*(names(row[0]) for row in rows("doors.md")))
    assert set(Options.__struct_fields__) <= listed
