"""Which release serves a call: the pinned one, the candidate or the live one.

A session stays with its release for as long as the candidate and its share stand: its place
among 10,000 is a hash of the workload, the candidate and the session. A share that grows keeps
every session that it had. A call without a session is a session of its own.
"""

from hashlib import blake2b
from typing import Final, Literal, NamedTuple

PLACES: Final = 10_000

How = Literal["live", "candidate", "pinned"]


class Choice(NamedTuple):
    release: str
    how: How


class Standing(NamedTuple):
    """How a workload stands: its live release, and a candidate with its share of the traffic."""

    workload: str
    live: str
    candidate: str = ""
    share: float = 0.0


def choose(standing: Standing, session: str, pinned: str | None = None) -> Choice:
    """`session` is what stays together: the caller's session, else the call's own id.

    Whether the caller may pin, and whether the pinned release exists, is for others to decide.
    """
    if pinned:
        return Choice(pinned, "pinned")
    if standing.candidate and takes(standing, session):
        return Choice(standing.candidate, "candidate")
    return Choice(standing.live, "live")


def takes(standing: Standing, session: str) -> bool:
    """Whether the candidate takes this session."""
    if standing.share <= 0:
        return False
    key = f"{standing.workload}\0{standing.candidate}\0{session}".encode()
    place = int.from_bytes(blake2b(key, digest_size=8).digest()) % PLACES
    return place < standing.share * PLACES
