"""How Bedrock is reached: by region, with a signature or an API key.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
https://docs.aws.amazon.com/general/latest/gr/bedrock.html
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from portico.contract.call import Operation
from portico.contract.errors import InvalidRequest
from portico.contract.ports import AwsIdentity, AwsSecret, Connection, UpstreamRequest
from portico.contract.snapshot import Provider
from portico.providers.address import Headers, as_headers, checked_base, checked_value, merged
from portico.providers.bedrock import profiles
from portico.providers.bedrock.signing import Signer

WIRES: Final[Mapping[Operation, str]] = {
    "chat": "bedrock_converse",
    "embeddings": "bedrock_embeddings",
}
PATHS: Final[Mapping[tuple[Operation, bool], str]] = {
    ("chat", False): "/converse",
    ("chat", True): "/converse-stream",
    ("embeddings", False): "/invoke",
    ("embeddings", True): "/invoke",
}
"""By operation and whether the answer streams."""
SUFFIXES: Final[Mapping[str, str]] = {
    "cn-": "amazonaws.com.cn",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
}
"""Beginning of a region to the domain of its partition; all others are amazonaws.com.
https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html"""
ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[^:\s]+:role/[^:\s]{1,576}")
TIERS: Final = frozenset({"default", "flex", "priority", "reserved"})
"""https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html"""
TIER_HEADER: Final = "x-amzn-bedrock-service-tier"
STREAM_TYPE: Final = "application/vnd.amazon.eventstream"


class BedrockConnection:
    """URLs and headers, made once; a request only puts them together."""

    def __init__(self, provider: Provider, base: str, headers: Mapping[str, str]) -> None:
        self._region = provider.region
        self._base = base
        self._network = provider.network
        self._whole: Headers = as_headers(headers, "application/json")
        self._stream: Headers = as_headers(headers, STREAM_TYPE)
        self._identity = None if "authorization" in headers else _identity(provider)
        self._signer = Signer()
        self._tier = provider.service_tier

    def wire(self, operation: Operation) -> str:
        return WIRES[operation]

    def cap_field(self) -> str:
        """Converse has one place for it (`inferenceConfig.maxTokens`); its wire knows."""
        return "maxTokens"

    @property
    def identity(self) -> AwsIdentity | None:
        return self._identity

    def request(
        self,
        operation: Operation,
        model_id: str,
        body: bytes,
        stream: bool,
        forwarded: Mapping[str, str],
    ) -> UpstreamRequest:
        """Raises InvalidRequest for an id that is neither a model's nor an ARN of Bedrock."""
        resource = profiles.read(model_id)
        if resource is None:
            raise InvalidRequest(
                "The model's id is neither a Bedrock model id nor an ARN of Bedrock; see `models` "
                "in portico.yaml.",
                field="model",
            )
        base = self._base or endpoint("bedrock-runtime", resource.region or self._region)
        headers = self._stream if stream else self._whole
        if self._tier and operation == "chat":
            body = _with_tier(body, self._tier)
        elif self._tier:
            headers = (*headers, (TIER_HEADER, self._tier))
        return UpstreamRequest(
            method="POST",
            url=f"{base}/model/{quote(model_id, safe='')}{PATHS[operation, stream]}",
            headers=headers,
            body=body,
            network=self._network,
        )

    def sign(self, request: UpstreamRequest, secret: AwsSecret, now_ns: int) -> UpstreamRequest:
        """Signs for the region that the request goes to, which an ARN may have chosen."""
        region = self._region if self._base else request.url.split(".", 2)[1]
        return self._signer.sign(request, region, secret, now_ns)

    def probe(self) -> UpstreamRequest:
        """The list of foundation models, from the control endpoint."""
        base = self._base or endpoint("bedrock", self._region)
        base = base.replace("://bedrock-runtime", "://bedrock", 1)
        return UpstreamRequest(
            method="GET",
            url=f"{base}/foundation-models",
            headers=self._whole,
            body=b"",
            network=self._network,
        )


def endpoint(service: str, region: str) -> str:
    domain = next((d for start, d in SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    return f"https://{service}.{region}.{domain}"


def checked_region(region: str) -> str:
    """Raises ValueError for what is no region's name: it becomes part of a host's."""
    if not profiles.REGION.fullmatch(region):
        raise ValueError("region must be the name of an AWS region, such as eu-west-1")
    return region


def checked_role(role: str) -> str:
    if role and not ROLE.fullmatch(role):
        raise ValueError("assume_role must be the ARN of a role: arn:aws:iam::123456789012:role/…")
    return role


def checked_endpoint(base_url: str) -> str:
    """A base URL whose path every signer writes in the same way. Raises ValueError."""
    base = checked_base(base_url)
    path = urlsplit(base).path
    if not base.isascii() or "//" in path or {".", ".."} & set(path.split("/")):
        raise ValueError("base_url of bedrock must be plain ASCII, without empty or dot segments")
    return base


def connect(provider: Provider, api_key: str) -> Connection:
    """Raises ValueError where region, URL, role, key or headers cannot be sent safely."""
    checked_region(provider.region)
    checked_role(provider.assume_role)
    base = checked_endpoint(provider.base_url) if provider.base_url else ""
    key = checked_value(f"the api_key of {provider.name}", api_key)
    own = {"authorization": f"Bearer {key}"} if key else {}
    return BedrockConnection(provider, base, merged(own, provider.headers))


def _with_tier(body: bytes, tier: str) -> bytes:
    """Converse takes the tier in its body; the project's choice goes before the caller's."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members["serviceTier"] = msgspec.Raw(msgspec.json.encode({"type": tier}))
    return msgspec.json.encode(members)


def _identity(provider: Provider) -> AwsIdentity:
    return AwsIdentity(
        region=provider.region,
        profile=provider.profile,
        role_arn=provider.assume_role,
        session_tags=provider.session_tags,
    )
