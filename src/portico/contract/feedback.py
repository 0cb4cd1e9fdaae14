"""What somebody thinks of an answer."""

from typing import Literal

import msgspec


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    call: str
    at_ns: int
    by: str
    """The id of the key that said it."""
    score: float | None = None
    """0 (bad) to 1 (good)."""
    label: Literal["", "accepted", "rejected"] = ""
    comment: str = ""
    """Content: stored encrypted."""

    @property
    def accepted(self) -> bool:
        """A label counts more than a score; half a score is not acceptance."""
        return self.label == "accepted" if self.label else (self.score or 0.0) > 0.5
