"""Identifiers that sort by time.

48 bits of milliseconds and 64 bits of entropy, in hexadecimal: ids of one prefix sort by the
time when they were made, and two made in the same millisecond collide once in 2**64.
"""

ENTROPY_BYTES = 8


def make(prefix: str, now_ns: int, entropy: bytes) -> str:
    """`prefix_` and 28 hexadecimal digits. `entropy` holds at least 8 random bytes."""
    return f"{prefix}_{now_ns // 1_000_000:012x}{entropy[:ENTROPY_BYTES].hex()}"
