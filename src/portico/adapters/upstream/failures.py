"""Every failure of an upstream, in words: what happened, to what, what to do next."""

import errno
import ssl
from typing import Literal

from portico.adapters.upstream.decoding import Bomb
from portico.contract.errors import UpstreamFailed

Stage = Literal["address", "dns", "connect", "tls", "first_byte", "between_chunks", "body"]


class AddressRefused(OSError):
    """An address that must not be connected to. An OSError, as any other that ends a connect."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(errno.EACCES, reason)
        self.kind = kind
        self.reason = reason


def failed(stage: Stage, kind: str, message: str, **facts: str) -> UpstreamFailed:
    return UpstreamFailed(message, detail={"stage": stage, "kind": kind, **facts})


def refused(host: str, refusal_kind: str, reason: str) -> UpstreamFailed:
    advice = (
        "name the address as the provider's base_url in portico.yaml"
        if refusal_kind == "private"
        else "set the provider's base_url to the address of the model server itself"
    )
    return failed("address", refusal_kind, f"Refused to connect to {host}: {reason}; {advice}.")


def connect_timeout(host: str, seconds: float) -> UpstreamFailed:
    return failed(
        "connect",
        "timeout",
        f"No connection to {host} within {seconds:g} s; check that it is reachable from here.",
    )


def first_byte_timeout(host: str, seconds: float) -> UpstreamFailed:
    return failed(
        "first_byte",
        "timeout",
        f"{host} took the request but began no reply within {seconds:g} s; "
        "retry, or raise the provider's first-byte timeout.",
    )


def disconnected(host: str) -> UpstreamFailed:
    return failed(
        "first_byte", "disconnected", f"{host} closed the connection before it replied; retry."
    )


def malformed(host: str) -> UpstreamFailed:
    return failed("first_byte", "malformed", f"{host} replied with something that is not HTTP/1.1.")


def unwritable(host: str) -> UpstreamFailed:
    return failed(
        "first_byte",
        "header",
        f"The request to {host} cannot be written: a header holds a line break or a control "
        "character, or frames the body; look at the provider's api_key and headers.",
    )


def unresolved(host: str) -> UpstreamFailed:
    return failed(
        "dns",
        "unresolved",
        f"The name {host} was not resolved; check its spelling and this machine's DNS.",
    )


def unreachable(host: str, error: BaseException) -> UpstreamFailed:
    name = _name(error)
    return failed(
        "connect", name, f"No connection to {host}: {name}; check that it runs and listens there."
    )


def crowded(host: str, waiting: int) -> UpstreamFailed:
    return failed(
        "connect",
        "full",
        f"No connection to {host}: all are taken and {waiting} requests wait for one already; "
        "retry later.",
    )


def handshake(host: str, error: BaseException) -> UpstreamFailed:
    """What went wrong with TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return failed(
            "tls",
            "certificate",
            f"The certificate of {host} was not accepted: {error.verify_message}; "
            "set the provider's network.ca_file if it has a CA of its own.",
        )
    return failed(
        "tls",
        "handshake",
        f"{host} does not speak TLS as asked; check http or https in the URL.",
    )


def proxy_away(host: str) -> UpstreamFailed:
    return failed(
        "connect",
        "proxy",
        f"The proxy on the way to {host} was not reached; check the provider's network.proxy.",
    )


def proxy_refused(host: str, status: int) -> UpstreamFailed:
    return failed(
        "connect",
        "proxy",
        f"The proxy refused to connect to {host} with status {status}; "
        "check the provider's network.proxy.",
        status=str(status),
    )


def proxy_garbled(host: str) -> UpstreamFailed:
    return failed(
        "connect",
        "proxy",
        f"The proxy on the way to {host} did not answer CONNECT in HTTP/1.1; "
        "check the provider's network.proxy.",
    )


def _name(error: BaseException) -> str:
    """A short stable name: "econnrefused", or the class where there is no errno."""
    code = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(code or 0, type(error).__name__).lower()


def closed() -> UpstreamFailed:
    return failed(
        "connect", "closed", "The connections to providers are closed: this process is stopping."
    )


def redirected(host: str, status: int) -> UpstreamFailed:
    return failed(
        "first_byte",
        "redirect",
        f"{host} replied with the redirect {status}, which is not followed; set the provider's "
        "base_url to the address that it redirects to.",
        status=str(status),
    )


def stalled(host: str, seconds: float) -> UpstreamFailed:
    return failed(
        "between_chunks",
        "timeout",
        f"{host} stopped in the middle of its reply for {seconds:g} s; retry.",
    )


def cut(host: str) -> UpstreamFailed:
    return failed("body", "cut", f"{host} broke the connection in the middle of its reply; retry.")


def too_large(host: str, bound: int) -> UpstreamFailed:
    return failed(
        "body",
        "too_large",
        f"The reply of {host} is larger than {bound} bytes; lower the cap on output tokens "
        "or raise the provider's bound on replies.",
    )


def coded(host: str) -> UpstreamFailed:
    return failed(
        "body",
        "encoding",
        f"{host} replied in a content coding that was not asked for and is not read here; "
        "configure it, or the proxy before it, to send none or gzip.",
    )


def inflated(host: str, error: Exception) -> UpstreamFailed:
    if isinstance(error, Bomb):
        return failed(
            "body",
            "bomb",
            f"The compressed reply of {host} inflates out of proportion and was refused; "
            "have it send uncompressed replies, as it was asked to.",
        )
    return failed("body", "garbled", f"The compressed reply of {host} is damaged: {error}; retry.")
