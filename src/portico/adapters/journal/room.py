"""The arithmetic of the journal's room: what was promised to a receipt always fits.

An entry lies in one segment. One that does not fit into what is left of a segment goes to the
next, and the rest stays unused. No entry is larger than `bound`, so a segment that is closed
holds more than `segment - bound` bytes. Counting only those as room makes the promise hold for
every order in which the reserved receipts arrive (next-fit bin packing).
"""

from dataclasses import dataclass

SHARE_OF_A_SEGMENT = 8
"""An entry is at most this part of a segment, so at most this part of the journal is unused."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Bytes for entries in a segment, and the largest entry."""

    segment: int
    bound: int

    @classmethod
    def of(cls, segment: int) -> "Shape":
        return cls(segment, segment // SHARE_OF_A_SEGMENT)


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes left in the segment being written, and how many segments are free behind it."""

    left: int
    free: int


def guaranteed(shape: Shape, room: Room) -> int:
    """Bytes that fit, however they are cut into entries of at most `shape.bound`."""
    return max(0, room.left - shape.bound) + room.free * (shape.segment - shape.bound)


def after(shape: Shape, room: Room, size: int) -> Room | None:
    """The room once an entry of `size` bytes is written; None if it does not fit anywhere."""
    if size <= room.left:
        return Room(room.left - size, room.free)
    if room.free and size <= shape.bound:
        return Room(shape.segment - size, room.free - 1)
    return None


def admits(shape: Shape, room: Room, size: int, reserved: int) -> bool:
    """Whether an entry of `size` may be written and leave `reserved` bytes for what is promised."""
    then = after(shape, room, size)
    return then is not None and reserved <= guaranteed(shape, then)
