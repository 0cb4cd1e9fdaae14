"""How Anthropic's API is reached.

https://docs.anthropic.com/en/api/overview
https://docs.anthropic.com/en/api/versioning
https://docs.anthropic.com/en/api/beta-headers
"""

from collections.abc import Mapping

from portico.contract.call import Operation
from portico.contract.errors import InvalidRequest
from portico.contract.ports import Connection, UpstreamRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.address import Headers, as_headers, checked_base, checked_value, merged
from portico.providers.unsigned import Unsigned

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
FORWARDED = ("anthropic-version", "anthropic-beta")
"""Headers of the caller that change what the wire means, and so go on."""


class AnthropicConnection(Unsigned):
    """URLs and headers, made once; a request only puts them together."""

    def __init__(self, base: str, headers: Mapping[str, str], network: Network) -> None:
        self._messages = f"{base}/v1/messages"
        self._models = f"{base}/v1/models"
        self._whole: Headers = as_headers(headers, "application/json")
        self._stream: Headers = as_headers(headers, "text/event-stream")
        self._network = network

    def wire(self, operation: Operation) -> str:
        if operation == "embeddings":
            raise InvalidRequest(
                "Anthropic has no embeddings; name a model of another provider.", field="model"
            )
        return "anthropic_messages"

    def cap_field(self) -> str:
        return "max_tokens"

    def request(
        self,
        operation: Operation,
        model_id: str,
        body: bytes,
        stream: bool,
        forwarded: Mapping[str, str],
    ) -> UpstreamRequest:
        """Raises InvalidRequest for embeddings and for a forwarded header that is not clean."""
        if operation != "chat":
            self.wire(operation)
        headers = self._stream if stream else self._whole
        if forwarded:
            headers = _forward(headers, forwarded)
        return UpstreamRequest(
            method="POST", url=self._messages, headers=headers, body=body, network=self._network
        )

    def probe(self) -> UpstreamRequest:
        return UpstreamRequest(
            method="GET", url=self._models, headers=self._whole, body=b"", network=self._network
        )


def connect(provider: Provider, api_key: str) -> Connection:
    """Raises ValueError where URL, key or headers cannot be sent safely."""
    base = checked_base(provider.base_url or BASE_URL).removesuffix("/v1")
    own = {"anthropic-version": VERSION}
    key = checked_value(f"the api_key of {provider.name}", api_key)
    if key:
        own["x-api-key"] = key
    return AnthropicConnection(base, merged(own, provider.headers), provider.network)


def _forward(headers: Headers, forwarded: Mapping[str, str]) -> Headers:
    going = {}
    for name in FORWARDED:
        if name in forwarded:
            try:
                going[name] = checked_value(name, forwarded[name])
            except ValueError as error:
                raise InvalidRequest(f"The header {name} cannot be passed on.") from error
    if not going:
        return headers
    return tuple({**dict(headers), **going}.items())
