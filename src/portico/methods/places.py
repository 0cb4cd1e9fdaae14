"""Where an exception was raised, for logs that must not quote what it says."""

import traceback
from pathlib import Path


def place(defect: BaseException) -> str:
    """`KeyError at file.py:12`: the kind, file and line; never the message."""
    frames = traceback.extract_tb(defect.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return f"{type(defect).__name__} at {where}"
