"""What an attempt used, for the cases in which the upstream does not say.

| outcome | usage |
|---|---|
| the upstream reported usage | as reported |
| an answer without usage | input estimated from the bytes sent, output from the bytes received |
| cut, cancelled or timed out after the request was sent | the same estimate |
| refused by the upstream with an error status | none: providers do not bill errors |
| never sent (credentials, address, DNS, connection, TLS) | none |
"""

from typing import Final

from portico.contract.errors import PorticoError
from portico.contract.receipt import UsageSource
from portico.contract.usage import Usage
from portico.contract.wires import Skim
from portico.methods.estimators import tokens

NEVER_SENT: Final = frozenset({"credentials", "address", "dns", "connect", "tls"})


def used(
    skim: Skim, sent_bytes: int, error: PorticoError | None = None, http_status: int = 0
) -> tuple[Usage, UsageSource]:
    """The tokens to settle an attempt with, and where they come from."""
    if skim.usage is not None:
        return skim.usage, "reported"
    if http_status >= 300 or (error is not None and error.detail.get("stage") in NEVER_SENT):
        return Usage(), "none"
    return estimate(sent_bytes, skim.output_bytes), "estimated"


def estimate(sent_bytes: int, output_bytes: int) -> Usage:
    return Usage(input=tokens(sent_bytes), output=tokens(output_bytes))
