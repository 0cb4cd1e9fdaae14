"""What goes wrong with request n of a model id, and how long it takes. Decided, not done."""

import msgspec

from portico.providers.simulator.draws import Draws
from portico.providers.simulator.settings import Break, Settings


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP status instead of an answer."""

    status: int
    retry_after_s: float | None = None


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """How a request runs. `failure` excludes the rest; a stall excludes a cut."""

    failure: Failure | None = None
    delay_s: float = 0.0
    """Before the first token: the setting `ttft`, and `slow` for the share that it takes."""
    tokens_per_s: float | None = None
    stall_after: int | None = None
    """Bytes of the body after which nothing more comes; 0: not even the head."""
    cut_after: int | None = None
    """Bytes of the body after which the connection breaks."""
    broken_by: Break | None = None
    """The error that a stream ends with after its first token."""

    @property
    def instant(self) -> bool:
        """Nothing waits: the whole answer can be written at once."""
        return self.delay_s == 0 and self.tokens_per_s is None and self.stall_after is None

    @property
    def breaks(self) -> bool:
        """The body may not come to its end."""
        return self.stall_after is not None or self.cut_after is not None


SMOOTH = Course()
_RATES = ("fail_rate", "stall_rate", "slow_rate", "cut_rate", "break_rate")


def course(settings: Settings, n: int) -> Course:
    """The course of request `n` (from 0). Draw 0 is for fail, 1 stall, 2 slow, 3 cut, 4 break."""
    if not any(getattr(settings, rate) for rate in _RATES):
        if settings.ttft_s == 0 and settings.tokens_per_s is None:
            return SMOOTH
        return Course(delay_s=settings.ttft_s, tokens_per_s=settings.tokens_per_s)
    fail, stall, slow, cut = Draws(settings.seed).at(n)
    if fail < settings.fail_rate:
        return Course(
            failure=Failure(status=settings.fail_status, retry_after_s=settings.retry_after_s)
        )
    stalls = stall < settings.stall_rate
    return Course(
        delay_s=settings.ttft_s + (settings.slow_s if slow < settings.slow_rate else 0.0),
        tokens_per_s=settings.tokens_per_s,
        stall_after=settings.stall_bytes if stalls else None,
        cut_after=settings.cut_bytes if cut < settings.cut_rate and not stalls else None,
        broken_by=_broken_by(settings, n),
    )


def _broken_by(settings: Settings, n: int) -> Break | None:
    if not settings.break_rate:
        return None
    drawn, *_ = Draws(settings.seed).beyond(n)
    return settings.break_by if drawn < settings.break_rate else None
