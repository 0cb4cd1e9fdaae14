"""The doctor's look at providers: credential, name, reach, TLS, and their clock against ours."""

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from portico.adapters.aws.credentials import AwsChain
from portico.adapters.clock import SystemClock
from portico.adapters.memory.credentials import MemoryCredentials
from portico.adapters.upstream import HttpUpstream
from portico.contract.errors import PorticoError, UpstreamFailed
from portico.contract.ports import (
    AwsCredentials,
    Connection,
    Upstream,
    UpstreamReply,
    UpstreamRequest,
)
from portico.contract.snapshot import Provider, Snapshot
from portico.control.projects import Unresolved, with_secrets
from portico.gateway.connections import CONNECT
from portico.main.cli.findings import Finding, fail, ok, warn

CONNECT_S = 5.0
FIRST_BYTE_S = 10.0
MOST_CLOCK_S = 30.0
ADVICE: Mapping[str, str] = {
    "address": "see its base_url; private addresses must be named in portico.yaml",
    "dns": "see the host name in base_url, and this machine's name servers",
    "connect": "see firewall, proxy and base_url",
    "tls": "see ca_file for a private authority; certificates are always verified",
    "first_byte": "the provider was slow: try again, see its status page",
}
"""What to do, by the stage at which the upstream failed."""


def providers(snapshot: Snapshot, environment: Mapping[str, str]) -> list[Finding]:
    """Rows for every provider; all are asked at once."""
    return asyncio.run(_all(snapshot, environment))


async def _all(snapshot: Snapshot, environment: Mapping[str, str]) -> list[Finding]:
    upstream = HttpUpstream()
    chain = AwsChain(SystemClock())
    try:
        rows = await asyncio.gather(
            *(examine(provider, environment, upstream, chain) for provider in snapshot.providers)
        )
    finally:
        await chain.close()
        await upstream.close()
    return [row for found in rows for row in found]


async def examine(
    provider: Provider,
    environment: Mapping[str, str],
    upstream: Upstream,
    credentials: AwsCredentials | None = None,
) -> list[Finding]:
    """The rows of one provider. Without `credentials` nothing can be signed."""
    check = f"provider {provider.name}"
    if provider.kind == "simulator":
        return [ok(check, "simulated, in this process")]
    if provider.kind not in CONNECT:
        return [warn(check, f"kind {provider.kind} is not served yet", "use another provider")]
    try:
        resolved = with_secrets(provider, environment)
        connection = CONNECT[provider.kind](resolved, resolved.api_key)
    except (Unresolved, ValueError) as failure:
        return [fail(check, str(failure), "set the variable, or correct portico.yaml")]
    try:
        probe = await _signed(connection, credentials or MemoryCredentials())
    except PorticoError as failure:
        return [fail(f"{check}: credential", failure.message, "see docs/providers/bedrock.md")]
    credential = _credential(resolved, connection)
    network = msgspec.structs.replace(probe.network, connect_s=CONNECT_S, first_byte_s=FIRST_BYTE_S)
    try:
        reply = await upstream.send(msgspec.structs.replace(probe, network=network))
    except (UpstreamFailed, TimeoutError) as failure:
        return [credential, _unreachable(check, failure)]
    try:
        return [credential, *_replied(check, reply)]
    finally:
        await reply.close()


async def _signed(connection: Connection, credentials: AwsCredentials) -> UpstreamRequest:
    """The probe, signed where it needs a signature. Raises UpstreamFailed without credentials."""
    probe, identity = connection.probe(), connection.identity
    if identity is None:
        return probe
    return connection.sign(probe, await credentials.secret(identity), time.time_ns())


def _credential(provider: Provider, connection: Connection) -> Finding:
    check = f"provider {provider.name}: credential"
    if connection.identity is not None:
        return ok(check, "found by the AWS credential chain")
    if provider.api_key:
        return ok(check, "present")
    if provider.base_url:
        return ok(check, "none, as for a server of your own")
    return fail(check, "missing", 'set api_key: "${NAME}" in portico.yaml and NAME here')


def _unreachable(check: str, failure: Exception) -> Finding:
    if isinstance(failure, PorticoError):
        stage = failure.detail.get("stage", "")
        return fail(f"{check}: reach", failure.message, ADVICE.get(stage, "see its status page"))
    return fail(f"{check}: reach", f"no answer in {FIRST_BYTE_S:.0f} s", ADVICE["first_byte"])


def _replied(check: str, reply: UpstreamReply) -> list[Finding]:
    place = "private" if reply.private else "public"
    reach = ok(f"{check}: reach", f"{reply.address} ({place}), answers HTTP {reply.status}")
    return [reach, *_accepted(check, reply.status), *clock(check, reply.headers, time.time())]


def _accepted(check: str, status: int) -> list[Finding]:
    check = f"{check}: accepted"
    if status < 300:
        return [ok(check, "the provider takes the credential")]
    if status in (401, 403):
        return [fail(check, f"HTTP {status}: refused", "see the key, its project and its scope")]
    if status == 404:
        return [warn(check, "no model list there", "see base_url; `doctor --live` tells more")]
    return [warn(check, f"HTTP {status}", "see the provider's status page, then try again")]


def clock(check: str, headers: Mapping[str, str], now: float) -> list[Finding]:
    """Our clock against the provider's Date header (a whole second, RFC 9110 section 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return []
    apart = now - theirs
    found = f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the provider"
    if abs(apart) > MOST_CLOCK_S:
        return [warn(f"{check}: clock", found, "synchronise this machine's clock (NTP)")]
    return [ok(f"{check}: clock", f"within {MOST_CLOCK_S:.0f} s of the provider")]
