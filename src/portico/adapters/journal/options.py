"""How large the journal is, and what happens when it is full."""

from typing import Literal

import msgspec

WhenFull = Literal["refuse", "serve"]


class JournalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the journal. Sizes are bytes, times are seconds."""

    segments: int = 8
    segment_bytes: int = 8 * 1024 * 1024
    reserve_bytes: int = 16 * 1024
    """The least room that an intent keeps free for its receipt."""
    when_full: WhenFull = "refuse"
    """`refuse`: no call without a record. `serve`: go on, and count what was not recorded."""
    fsync_s: float = 1.0
    """What a machine that loses power may lose."""
    linger_s: float = 0.25
    """How long the loader gathers entries for one transaction when nobody waits for them."""
    batch_bytes: int = 256 * 1024
    """Read from the journal at a time, and so loaded in one transaction."""
    retry_s: float = 1.0
    """The longest pause between two tries while the database takes nothing."""
