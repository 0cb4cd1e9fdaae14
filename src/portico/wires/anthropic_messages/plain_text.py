"""Text files that came as base64, as text."""

import binascii

from portico.contract.conversation import Inline


def from_base64(source: Inline) -> str | None:
    """The text of an inline file of a text type; None if it is no UTF-8 text."""
    if not source.media_type.startswith("text/") and source.media_type != "application/json":
        return None
    try:
        return binascii.a2b_base64(source.data).decode("utf-8")
    except ValueError:
        return None
