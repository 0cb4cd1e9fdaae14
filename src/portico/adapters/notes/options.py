"""How much may wait, and how it is written."""

import msgspec


class NotesOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the notes. Sizes are bytes, times are seconds."""

    most: int = 10_000
    """Notes that wait."""
    most_bytes: int = 32 * 1024 * 1024
    """What they hold. A note that is larger than this is never kept."""
    batch: int = 256
    """Notes that are written in one transaction."""
    batch_bytes: int = 1024 * 1024
    linger_s: float = 0.05
    """How long the writer gathers notes for one transaction when nobody waits for them."""
    retry_s: float = 1.0
    """The longest pause between two tries while the database takes nothing."""
