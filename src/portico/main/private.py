"""Files that only their owner can read."""

import os
from pathlib import Path


def write_private(path: Path, body: bytes) -> None:
    """Replaces a file in one step, mode 0600. Raises OSError; the old file stays then."""
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
    fresh.replace(path)
