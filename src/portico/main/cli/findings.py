"""What the doctor found: one row a check."""

from typing import Literal

import msgspec

State = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`todo` says what to do; empty where nothing is to be done."""

    check: str
    state: State
    found: str
    todo: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check=check, state="ok", found=found)


def warn(check: str, found: str, todo: str) -> Finding:
    return Finding(check=check, state="warn", found=found, todo=todo)


def fail(check: str, found: str, todo: str) -> Finding:
    return Finding(check=check, state="fail", found=found, todo=todo)
