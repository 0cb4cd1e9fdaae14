"""How OpenAI, a compatible server or Azure OpenAI is reached.

https://platform.openai.com/docs/api-reference/authentication
https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from portico.contract.call import Operation
from portico.contract.ports import Connection, UpstreamRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.address import Headers, as_headers, checked_base, checked_value, merged
from portico.providers.unsigned import Unsigned

BASE_URL = "https://api.openai.com/v1"
WIRES: Mapping[Operation, str] = {"chat": "openai_chat", "embeddings": "openai_embeddings"}
PATHS: Mapping[Operation, str] = {"chat": "/chat/completions", "embeddings": "/embeddings"}
NEW_CAP_HOSTS = ("api.openai.com", ".openai.azure.com", ".services.ai.azure.com")
"""Hosts that take `max_completion_tokens`; other servers mostly know `max_tokens` only."""


class OpenAIConnection(Unsigned):
    """URLs and headers, made once; a request only puts them together."""

    def __init__(self, base: str, headers: Mapping[str, str], cap: str, network: Network) -> None:
        self._base = base
        self._urls = {operation: base + path for operation, path in PATHS.items()}
        self._whole: Headers = as_headers(headers, "application/json")
        self._stream: Headers = as_headers(headers, "text/event-stream")
        self._cap = cap
        self._network = network

    def wire(self, operation: Operation) -> str:
        return WIRES[operation]

    def cap_field(self) -> str:
        return self._cap

    def url(self, operation: Operation, model_id: str) -> str:
        """OpenAI reads the model from the body."""
        return self._urls[operation]

    def request(
        self,
        operation: Operation,
        model_id: str,
        body: bytes,
        stream: bool,
        forwarded: Mapping[str, str],
    ) -> UpstreamRequest:
        """No header of the caller goes on: the wire needs none."""
        return UpstreamRequest(
            method="POST",
            url=self.url(operation, model_id),
            headers=self._stream if stream else self._whole,
            body=body,
            network=self._network,
        )

    def probe(self) -> UpstreamRequest:
        return UpstreamRequest(
            method="GET",
            url=f"{self._base}/models",
            headers=self._whole,
            body=b"",
            network=self._network,
        )


class AzureConnection(OpenAIConnection):
    """Azure names the deployment in the URL and dates its API in the query."""

    def __init__(
        self, base: str, api_version: str, headers: Mapping[str, str], network: Network
    ) -> None:
        super().__init__(f"{base}/openai", headers, "max_completion_tokens", network)
        self._query = f"?api-version={quote(api_version, safe='')}"

    def url(self, operation: Operation, model_id: str) -> str:
        deployment = quote(model_id, safe="")
        return f"{self._base}/deployments/{deployment}{PATHS[operation]}{self._query}"

    def probe(self) -> UpstreamRequest:
        return UpstreamRequest(
            method="GET",
            url=f"{self._base}/models{self._query}",
            headers=self._whole,
            body=b"",
            network=self._network,
        )


def connect(provider: Provider, api_key: str) -> Connection:
    """Raises ValueError where URL, key or headers cannot be sent safely."""
    base = checked_base(provider.base_url or BASE_URL)
    key = checked_value(f"the api_key of {provider.name}", api_key)
    own: dict[str, str] = {}
    if key:
        own |= {"api-key": key} if provider.api_version else {"authorization": f"Bearer {key}"}
    if provider.organization:
        own["openai-organization"] = checked_value("organization", provider.organization)
    headers = merged(own, provider.headers)
    if provider.api_version:
        resource = base.removesuffix("/openai")
        return AzureConnection(resource, provider.api_version, headers, provider.network)
    return OpenAIConnection(base, headers, _cap_field(base), provider.network)


def _cap_field(base: str) -> str:
    host = urlsplit(base).hostname or ""
    new = any(
        host == known or (known[0] == "." and host.endswith(known)) for known in NEW_CAP_HOSTS
    )
    return "max_completion_tokens" if new else "max_tokens"
