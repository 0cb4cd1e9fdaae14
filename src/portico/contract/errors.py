"""The one error tree. Every failure that leaves Portico is one of these.

    PorticoError
    ├── InvalidRequest        400  caller    no retry
    │   ├── BodyTooLarge      413
    │   └── HeadersTooLarge   431
    ├── UnknownModel          404  caller    no retry
    ├── UnknownRoute          404  caller    no retry
    ├── MethodNotAllowed      405  caller    no retry
    ├── RequestTimeout        408  caller    retry
    ├── Unauthenticated       401  caller    no retry
    ├── PolicyDenied          403  caller    no retry
    ├── GuardBlocked          400  caller    no retry
    ├── ApprovalRequired      409  caller    with portico.approval once granted
    ├── AnswerWithheld        422  portico   no retry
    ├── BudgetExhausted       429  caller    no retry
    ├── QuotaExhausted        429  caller    retry
    ├── Overloaded            503  portico   retry
    ├── UpstreamFailed        502  provider  by the caller's choice
    ├── DeadlineExceeded      504  portico   by the caller's choice
    └── InternalFault         500  portico   by the caller's choice

An error knows its status, whose fault it is, whether a retry helps and its public code. Its
message says what happened, to what, and what to do next; it never quotes a prompt, an answer
or a secret.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

Fault = Literal["caller", "portico", "provider"]
Retry = Literal["no", "yes", "maybe"]


class PorticoError(Exception):
    """Base of all errors that reach a caller. `field` names the member of the body at fault."""

    code: ClassVar[str] = "internal_fault"
    status: ClassVar[int] = 500
    fault: ClassVar[Fault] = "portico"
    retry: ClassVar[Retry] = "maybe"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after
        """Seconds, where Portico knows when a retry makes sense."""
        self.detail: Mapping[str, str] = detail or {}
        """Facts for the receipt (an upstream's status or error type), never content."""


class InvalidRequest(PorticoError):
    code = "invalid_request"
    status = 400
    fault = "caller"
    retry: ClassVar[Retry] = "no"


class BodyTooLarge(InvalidRequest):
    status = 413


class HeadersTooLarge(InvalidRequest):
    status = 431


class UnknownRoute(InvalidRequest):
    status = 404


class MethodNotAllowed(InvalidRequest):
    status = 405


class RequestTimeout(InvalidRequest):
    status = 408
    retry = "yes"


class UnknownModel(PorticoError):
    code = "unknown_model"
    status = 404
    fault = "caller"
    retry = "no"


class Unauthenticated(PorticoError):
    code = "unauthenticated"
    status = 401
    fault = "caller"
    retry = "no"


class PolicyDenied(PorticoError):
    code = "policy_denied"
    status = 403
    fault = "caller"
    retry = "no"


class GuardBlocked(PorticoError):
    code = "guard_blocked"
    status = 400
    fault = "caller"
    retry = "no"


class ApprovalRequired(PorticoError):
    code = "approval_required"
    status = 409
    fault = "caller"
    retry = "maybe"


class AnswerWithheld(PorticoError):
    code = "answer_withheld"
    status = 422
    fault = "portico"
    retry = "no"


class BudgetExhausted(PorticoError):
    code = "budget_exhausted"
    status = 429
    fault = "caller"
    retry = "no"


class QuotaExhausted(PorticoError):
    code = "quota_exhausted"
    status = 429
    fault = "caller"
    retry = "yes"


class Overloaded(PorticoError):
    code = "overloaded"
    status = 503
    fault = "portico"
    retry = "yes"


class UpstreamFailed(PorticoError):
    code = "upstream_failed"
    status = 502
    fault = "provider"
    retry = "maybe"


class DeadlineExceeded(PorticoError):
    code = "deadline_exceeded"
    status = 504
    fault = "portico"
    retry = "maybe"


class InternalFault(PorticoError):
    """A defect of Portico itself. The receipt and the log carry the place."""
