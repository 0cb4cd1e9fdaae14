"""How the Gemini API is reached.

https://ai.google.dev/api#authentication
https://ai.google.dev/gemini-api/docs/api-versions
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from portico.contract.call import Operation
from portico.contract.ports import Connection, UpstreamRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.address import Headers, as_headers, checked_base, checked_value, merged
from portico.providers.unsigned import Unsigned

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
VERSION = "v1beta"
WIRES: Mapping[Operation, str] = {"chat": "gemini", "embeddings": "gemini_embeddings"}
METHODS: Mapping[tuple[Operation, bool], str] = {
    ("chat", False): ":generateContent",
    ("chat", True): ":streamGenerateContent?alt=sse",
    ("embeddings", False): ":batchEmbedContents",
    ("embeddings", True): ":batchEmbedContents",
}
"""By operation and whether the answer is streamed."""
_VERSIONED = re.compile(r"/v\d\w*(/|$)")


class GeminiConnection(Unsigned):
    """Headers, made once; the model and the method stand in each request's URL."""

    def __init__(self, base: str, headers: Mapping[str, str], network: Network) -> None:
        self._base = base
        self._whole: Headers = as_headers(headers, "application/json")
        self._stream: Headers = as_headers(headers, "text/event-stream")
        self._network = network

    def wire(self, operation: Operation) -> str:
        return WIRES[operation]

    def cap_field(self) -> str:
        return "maxOutputTokens"

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
            url=f"{self._base}/{resource(model_id)}{METHODS[operation, stream]}",
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


def resource(model_id: str) -> str:
    """A model's place in the URL. Tuned models name their own collection (`tunedModels/…`)."""
    path = model_id if "/" in model_id else f"models/{model_id}"
    return "/".join(_segment(step) for step in path.split("/"))


def _segment(step: str) -> str:
    """A step of a path; one of dots only would climb out of it."""
    return quote(step, safe="") if step.strip(".") else step.replace(".", "%2E")


def connect(provider: Provider, api_key: str) -> Connection:
    """Raises ValueError where URL, key or headers cannot be sent safely.

    A base URL without a version, as the Google Gen AI SDK takes it, means v1beta.
    """
    base = checked_base(provider.base_url or BASE_URL)
    if _VERSIONED.search(urlsplit(base).path) is None:
        base = f"{base}/{VERSION}"
    key = checked_value(f"the api_key of {provider.name}", api_key)
    own = {"x-goog-api-key": key} if key else {}
    return GeminiConnection(base, merged(own, provider.headers), provider.network)
