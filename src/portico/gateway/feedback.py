"""`POST /v1/feedback`: what somebody thinks of an answer, appended to the ledger.

Law of the file: who may not judge a call does not learn whether there is one.
"""

from typing import Annotated, Final, Literal

import msgspec

from portico.contract.call import Principal
from portico.contract.errors import InvalidRequest, UnknownRoute
from portico.contract.feedback import Feedback
from portico.contract.ports import Ledger
from portico.security.access import may_judge
from portico.wires.members import refusal, scan

LABELS: Final[dict[str, Literal["accepted", "rejected"]]] = {
    "accepted": "accepted",
    "good": "accepted",
    "up": "accepted",
    "rejected": "rejected",
    "bad": "rejected",
    "down": "rejected",
}
LONGEST_COMMENT: Final = 4_000
"""Characters."""
LONGEST_CALL: Final = 100


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body."""

    call: str
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    label: str | None = None
    comment: Annotated[str, msgspec.Meta(max_length=LONGEST_COMMENT)] | None = None


_said = msgspec.json.Decoder(Said)


def read(body: bytes, nesting: int) -> Said:
    """Raises InvalidRequest naming the member at fault."""
    scan(body, nesting)
    try:
        said = _said.decode(body)
    except msgspec.ValidationError as error:
        raise refusal(error) from None
    if said.label is not None and said.label not in LABELS:
        raise InvalidRequest(f"`label` is one of {', '.join(LABELS)}.", field="label")
    if said.label is None and said.score is None:
        raise InvalidRequest(
            "Feedback says `score` (0 to 1) or `label` (accepted or rejected).", field="score"
        )
    return said


async def take(said: Said, who: Principal, ledger: Ledger, now_ns: int) -> bytes:
    """Appends it; the body of the answer. Raises UnknownRoute where the caller may judge
    no such call."""
    receipt = await ledger.find(said.call) if len(said.call) <= LONGEST_CALL else None
    if receipt is None or not may_judge(who, receipt.key, receipt.team):
        raise _unknown()
    feedback = Feedback(
        call=said.call,
        at_ns=now_ns,
        by=who.key,
        score=said.score,
        label=LABELS[said.label] if said.label is not None else "",
        comment=said.comment or "",
    )
    try:
        await ledger.judged(feedback)
    except InvalidRequest as error:
        # its time was up between the two
        raise _unknown() if error.field == "call" else error from None
    return msgspec.json.encode({"call": said.call, "accepted": feedback.accepted})


def _unknown() -> UnknownRoute:
    return UnknownRoute(
        "The ledger has no such call that this key may judge. Send the id in x-portico-call, with "
        "the key that made the call or another of its team.",
        field="call",
    )
