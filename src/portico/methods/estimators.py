"""Estimates of tokens before a provider has counted them."""

BYTES_PER_TOKEN = 4
"""UTF-8 bytes a token: the usual rule of thumb for English text, the simulator's exact rule."""


def tokens(size: int) -> int:
    """Tokens of `size` UTF-8 bytes, rounded up."""
    return -(-size // BYTES_PER_TOKEN)
