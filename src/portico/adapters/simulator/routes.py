"""The paths that the simulator's HTTP server serves. A further wire adds its rows here.

`{id}` is a model's id, percent-encoded. Where a caller leaves its `?` as it is, its settings arrive
as the query; hence a route is found by path and query as they were sent.
"""

import re
from functools import partial
from urllib.parse import unquote

import msgspec

from portico.adapters.simulator import counting, embeddings, listings
from portico.adapters.simulator.dialects import (
    ANTHROPIC,
    BEDROCK,
    GEMINI,
    GEMINI_ARRAY,
    OPENAI,
    Address,
    Dialect,
)
from portico.adapters.simulator.simulation import Operation, Simulation

_ID = "{id}"
_ANY_QUERY = r"(?:\?.*)?"
_SSE = r"\?(?:.*&)?alt=sse(?:&.*)?"


class Route(msgspec.Struct, frozen=True):
    method: str
    path: str
    operation: Operation
    dialect: Dialect
    pattern: re.Pattern[str]
    """Of path and query."""
    stream: bool

    def address(self, target: str) -> Address:
        """What a target that the pattern fits says of the request."""
        found = self.pattern.fullmatch(target)
        if found is None or not self.pattern.groups:
            return Address()
        return Address(unquote(found[1]), self.stream)


def _route(
    method: str,
    path: str,
    operation: Operation,
    dialect: Dialect,
    *,
    stream: bool = False,
    query: str = _ANY_QUERY,
) -> Route:
    pattern = re.compile(re.escape(path).replace(re.escape(_ID), "(.+)") + query)
    return Route(method, path, operation, dialect, pattern, stream)


_INVOKE = partial(Simulation.embeddings, shape=embeddings.BEDROCK)
_EMBED_BATCH = partial(Simulation.embeddings, shape=embeddings.GEMINI_BATCH)
_EMBED_SINGLE = partial(Simulation.embeddings, shape=embeddings.GEMINI_SINGLE)
_COUNT_GEMINI = partial(Simulation.count_tokens, wanted=counting.GEMINI)
_LIST_BEDROCK = partial(Simulation.models, listing=listings.bedrock)
_LIST_GEMINI = partial(Simulation.models, listing=listings.gemini)
_GEMINI_STREAM = "/v1beta/models/{id}:streamGenerateContent"

ROUTES: tuple[Route, ...] = (
    _route("POST", "/v1/chat/completions", Simulation.chat, OPENAI),
    _route("POST", "/v1/embeddings", Simulation.embeddings, OPENAI),
    _route("GET", "/v1/models", Simulation.models, OPENAI),
    _route("POST", "/v1/messages", Simulation.chat, ANTHROPIC),
    _route("POST", "/v1/messages/count_tokens", Simulation.count_tokens, ANTHROPIC),
    _route("POST", "/model/{id}/converse", Simulation.chat, BEDROCK),
    _route("POST", "/model/{id}/converse-stream", Simulation.chat, BEDROCK, stream=True),
    _route("POST", "/model/{id}/invoke", _INVOKE, BEDROCK),
    _route("GET", "/foundation-models", _LIST_BEDROCK, BEDROCK),
    _route("POST", "/v1beta/models/{id}:generateContent", Simulation.chat, GEMINI),
    _route("POST", _GEMINI_STREAM, Simulation.chat, GEMINI, stream=True, query=_SSE),
    _route("POST", _GEMINI_STREAM, Simulation.chat, GEMINI_ARRAY, stream=True),
    _route("POST", "/v1beta/models/{id}:countTokens", _COUNT_GEMINI, GEMINI),
    _route("POST", "/v1beta/models/{id}:batchEmbedContents", _EMBED_BATCH, GEMINI),
    _route("POST", "/v1beta/models/{id}:embedContent", _EMBED_SINGLE, GEMINI),
    _route("GET", "/v1beta/models", _LIST_GEMINI, GEMINI),
)


def find(target: str) -> list[Route]:
    """The routes of a path with its query, the closest first; none for an unknown path."""
    return [route for route in ROUTES if route.pattern.fullmatch(target)]
