"""AWS Signature Version 4 for requests without a query, as Bedrock's are.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

The standard library is enough, and time is an argument; see docs/decisions/0005-aws-signing.md.
"""

import hashlib
import hmac
import time
from typing import Final
from urllib.parse import quote

import msgspec

from portico.contract.ports import AwsSecret, UpstreamRequest

SERVICE: Final = "bedrock"
ALGORITHM: Final = "AWS4-HMAC-SHA256"
DEFAULT_PORTS: Final = {"https": ":443", "http": ":80"}


class Signer:
    """Signs for one service. Keeps the last derived key, which is good for a day and a region."""

    __slots__ = ("_derived", "_key", "_service")

    def __init__(self, service: str = SERVICE) -> None:
        self._service = service
        self._key: tuple[str, str, str] | None = None
        self._derived = b""

    def sign(
        self, request: UpstreamRequest, region: str, secret: AwsSecret, now_ns: int
    ) -> UpstreamRequest:
        """The request with `x-amz-date`, `authorization` and, with a session, its token.

        Host, content type and every `x-amz…` header are signed: a proxy may change the others.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ns // 1_000_000_000))
        host, path = _host_and_path(request.url)
        own = {"x-amz-date": stamp}
        if secret.token:
            own["x-amz-security-token"] = secret.token
        sent = {name.lower(): value for name, value in request.headers} | own
        signed = {name: " ".join(value.split()) for name, value in sent.items() if _covered(name)}
        signed["host"] = host
        names = sorted(signed)
        listed = ";".join(names)
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        body = hashlib.sha256(request.body).hexdigest()
        canonical = f"{request.method}\n{path}\n\n{lines}\n{listed}\n{body}"
        scope = f"{stamp[:8]}/{region}/{self._service}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
        signature = hmac.digest(self._key_for(secret, stamp[:8], region), text.encode(), "sha256")
        sent["authorization"] = (
            f"{ALGORITHM} Credential={secret.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature.hex()}"
        )
        return msgspec.structs.replace(request, headers=tuple(sent.items()))

    def _key_for(self, secret: AwsSecret, day: str, region: str) -> bytes:
        wanted = (secret.secret_key, day, region)
        if self._key != wanted:
            key = f"AWS4{secret.secret_key}".encode()
            for part in (day, region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._derived = wanted, key
        return self._derived


def _covered(name: str) -> bool:
    return name == "content-type" or name.startswith("x-amz")


def _host_and_path(url: str) -> tuple[str, str]:
    """The Host header as it will be sent, and the canonical path.

    Services other than S3 encode the path once more than it is sent: `%3A` becomes `%253A`.
    """
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return host.lower().removesuffix(DEFAULT_PORTS[scheme]), quote("/" + path, safe="/~")
