"""What an attempt used and where that is known from: the written table, and its reading.

`docs/settling.md` prints the same table; a test compares the two.

How an attempt ended, and what its provider told of its usage, choose one row. Why it was made
(`contract.receipt.Reason`) chooses nothing: the loser of a hedge is paid for like any attempt
that was cut, a judge's call like any call.
"""

from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from portico.contract.errors import PorticoError
from portico.contract.receipt import AttemptStatus, Reason, UsageSource
from portico.contract.usage import SIDES, Side, Usage
from portico.contract.wires import Skim
from portico.methods.estimators import tokens

NEVER_SENT: Final = frozenset({"credentials", "address", "dns", "connect", "tls"})
"""Stages in which an attempt fails before its request has left."""

Ending = Literal["answered", "cut", "broken", "refused", "unsent"]
"""`cut`: ended by Portico or its caller (cancelled, hedge lost, deadline). `broken`: ended by the
upstream after it had taken the request (a stream that breaks, a reply that is no answer, a timeout,
an error under a good status). `refused`: an error status. `unsent`: the request never left."""
Told = Literal["reported", "flagged", "doubtful", "partial", "missing"]
"""`flagged`: something is odd that prices nothing. `doubtful`: the numbers of a side are not
believed. `partial`: a count that the provider gave before its end (Anthropic's `message_start`)."""
Take = Literal["reported", "believed", "larger", "estimate", "none"]
"""`believed`: as reported, of a side that is doubted the estimate. `larger`: the larger of the
count so far and the estimate."""


class Row(msgspec.Struct, frozen=True):
    """One line of the table. The flags of a doubt are added to those that are named here."""

    ending: Ending
    told: Told
    input: Take
    output: Take
    source: UsageSource
    flags: tuple[str, ...] = ()


TABLE: Final[tuple[Row, ...]] = (
    Row("answered", "reported", "reported", "reported", "reported"),
    Row("answered", "flagged", "reported", "reported", "reported"),
    Row("answered", "doubtful", "believed", "believed", "estimated"),
    Row("answered", "missing", "estimate", "estimate", "estimated"),
    Row("cut", "reported", "reported", "reported", "reported"),
    Row("cut", "flagged", "reported", "reported", "reported"),
    Row("cut", "doubtful", "believed", "believed", "estimated"),
    Row("cut", "partial", "believed", "larger", "estimated", ("partial",)),
    Row("cut", "missing", "estimate", "estimate", "estimated"),
    Row("broken", "reported", "reported", "reported", "reported"),
    Row("broken", "flagged", "reported", "reported", "reported"),
    Row("broken", "doubtful", "believed", "believed", "estimated"),
    Row("broken", "partial", "believed", "larger", "estimated", ("partial",)),
    Row("broken", "missing", "estimate", "estimate", "estimated"),
    Row("refused", "reported", "reported", "reported", "reported"),
    Row("refused", "flagged", "reported", "reported", "reported"),
    Row("refused", "doubtful", "believed", "believed", "estimated"),
    Row("refused", "missing", "none", "none", "none"),
    Row("unsent", "missing", "none", "none", "none"),
)
"""Every case there is."""

_ROWS: Final = {(row.ending, row.told): row for row in TABLE}


class Kind(msgspec.Struct, frozen=True):
    """Something that a call may cost, or not."""

    name: Reason | Literal["cache hit", "idempotent repeat"]
    is_attempt: bool
    """True: settled by `TABLE`. False: nothing was sent, so nothing is paid."""


KINDS: Final[tuple[Kind, ...]] = (
    Kind("first", is_attempt=True),
    Kind("retry", is_attempt=True),
    Kind("fallback", is_attempt=True),
    Kind("hedge", is_attempt=True),
    Kind("escalation", is_attempt=True),
    Kind("judge", is_attempt=True),
    Kind("shadow", is_attempt=True),
    Kind("embedding", is_attempt=True),
    Kind("guard", is_attempt=True),
    Kind("cache hit", is_attempt=False),
    Kind("idempotent repeat", is_attempt=False),
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended."""

    skim: Skim
    """What was seen of the answer; of an error reply, its usage if it has any."""
    sent_bytes: int
    """The body of the request, in bytes."""
    ended: AttemptStatus
    error: PorticoError | None = None
    http_status: int = 0
    """0: no reply came."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What the attempt is charged for."""

    usage: Usage
    """Without its doubt, which `flags` and `reported` tell."""
    source: UsageSource
    flags: tuple[str, ...] = ()
    reported: str = ""
    """The usage object as the upstream sent it, where it is not believed."""


def settled(outcome: Outcome) -> Settled:
    """The usage to charge an attempt with."""
    row, usage = row_of(outcome), outcome.skim.usage
    if row.source == "none":
        return Settled(usage=Usage(), source="none")
    guess = estimate(outcome.sent_bytes, outcome.skim.output_bytes)
    if usage is None:
        return Settled(usage=guess, source=row.source, flags=row.flags)
    doubt = usage.doubt
    if doubt is None and row.source == "reported":
        return Settled(usage=usage, source="reported")
    flags, reported = row.flags, ""
    if doubt is not None:
        flags, reported = (*doubt.flags, *flags), doubt.reported
    clean = replace(usage, doubt=None)
    clean = _side(row.input, "input", usage, guess, clean)
    clean = _side(row.output, "output", usage, guess, clean)
    return Settled(usage=clean, source=row.source, flags=flags, reported=reported)


def row_of(outcome: Outcome) -> Row:
    """The line of the table that an outcome is settled by."""
    ending = _ending(outcome)
    return _ROWS[ending, _told(outcome.skim, ending)]


def estimate(sent_bytes: int, output_bytes: int) -> Usage:
    """From bytes, where nobody has counted tokens."""
    return Usage(input=tokens(sent_bytes), output=tokens(output_bytes))


def _ending(outcome: Outcome) -> Ending:
    error = outcome.error
    if outcome.http_status >= 300:
        return "refused"
    if outcome.ended == "ok":
        return "answered"
    if not outcome.http_status and error is not None and error.detail.get("stage") in NEVER_SENT:
        return "unsent"
    return "cut" if outcome.ended in {"cancelled", "timeout", "lost"} else "broken"


def _told(skim: Skim, ending: Ending) -> Told:
    usage = skim.usage
    if usage is None or ending == "unsent":
        return "missing"
    if ending in {"cut", "broken"} and not skim.complete and skim.stop is None:
        return "partial"  # every wire counts to the end only with or after the reason to stop
    if usage.doubt is None:
        return "reported"
    return "doubtful" if usage.doubt.sides else "flagged"


def _side(take: Take, side: Side, usage: Usage, guess: Usage, clean: Usage) -> Usage:
    """`clean` with one side's tokens as the table says."""
    doubted = usage.doubt is not None and side in usage.doubt.sides
    if take == "reported" or (take == "believed" and not doubted):
        return clean
    found: int = getattr(guess, side)
    so_far = usage.output + usage.output_audio + usage.output_image
    if take == "larger" and not doubted and so_far >= found:
        return clean
    return replace(clean, **{**dict.fromkeys(SIDES[side], 0), side: found})
