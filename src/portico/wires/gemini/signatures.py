"""Thought signatures on their way through wires that have no place for them.

A Gemini model signs the parts that carry its reasoning and wants each signature back with the
next turn; a Gemini 3 model refuses a function call that comes back without it. Other wires
have no member for the signature of a tool call, but every library returns a call's id. So:

- the signature of thoughts and text is a canonical signature that begins with `gemini:`;
- the signature of a function call rides in the call's id, after `_thought_`, in base64url;
- a call that came without an id gets one, made from the answer's id and the call's place.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import binascii
import hashlib
from base64 import b64decode, b64encode

from portico.wires.foreign import GEMINI, THOUGHT

OURS = GEMINI
FOREIGN = b"portico:"
MARK = THOUGHT
WRAPPED = b'"cG9ydGljbz'
"""How a signature begins that `for_caller` has wrapped, as JSON: base64 of FOREIGN."""
MADE = "gemini_call_"

SKIP = "skip_thought_signature_validator"
"""What Google documents for a call that another model made, or whose signature was lost."""

_TO_URL = str.maketrans("+/", "-_", "=")
_FROM_URL = str.maketrans("-_", "+/")


def inward(signature: str) -> str:
    """A part's thoughtSignature as a canonical signature."""
    try:
        wrapped = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return OURS + signature
    if wrapped.startswith(FOREIGN):
        return wrapped[len(FOREIGN) :].decode("utf-8", "replace")
    return OURS + signature


def for_model(signature: str | None) -> str | None:
    """A canonical signature as Gemini gave it; None if another provider gave it."""
    if signature is None or not signature.startswith(OURS):
        return None
    return signature.removeprefix(OURS)


def for_caller(signature: str) -> str:
    """A canonical signature as base64, which is what Google's libraries decode."""
    own = for_model(signature)
    return b64encode(FOREIGN + signature.encode()).decode() if own is None else own


def call_id(given: str | None, signature: str | None, *place: object) -> str:
    """The id of a call: the given one, or one made from `place`; with its signature."""
    made = given or MADE + _digest(place)
    return f"{made}{MARK}{signature.translate(_TO_URL)}" if signature else made


def split(id_: str) -> tuple[str | None, str | None]:
    """A call's own id, None if it was made here, and its signature, None if it has none."""
    own, mark, signature = id_.partition(MARK)
    if not mark or not signature:
        own, signature = id_, ""
    padded = signature.translate(_FROM_URL) + "=" * (-len(signature) % 4)
    return (None if own.startswith(MADE) else own), (padded if signature else None)


def _digest(place: tuple[object, ...]) -> str:
    text = "\x1f".join(str(step) for step in place)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
