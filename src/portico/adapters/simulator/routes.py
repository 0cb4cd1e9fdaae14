"""The paths that the simulator's HTTP server serves. A further wire adds its rows here."""

import re

import msgspec

from portico.adapters.simulator.dialects import ANTHROPIC_MESSAGES, OPENAI_CHAT, Dialect
from portico.adapters.simulator.simulation import Operation, Simulation


class Route(msgspec.Struct, frozen=True):
    method: str
    pattern: re.Pattern[str]
    """Of the whole path, percent-decoded."""
    operation: Operation
    dialect: Dialect


def _route(method: str, pattern: str, operation: Operation, dialect: Dialect) -> Route:
    return Route(method, re.compile(pattern), operation, dialect)


ROUTES: tuple[Route, ...] = (
    _route("POST", "/v1/chat/completions", Simulation.chat, OPENAI_CHAT),
    _route("POST", "/v1/embeddings", Simulation.embeddings, OPENAI_CHAT),
    _route("GET", "/v1/models", Simulation.models, OPENAI_CHAT),
    _route("POST", "/v1/messages", Simulation.chat, ANTHROPIC_MESSAGES),
    _route("POST", "/v1/messages/count_tokens", Simulation.count_tokens, ANTHROPIC_MESSAGES),
)


def find(path: str) -> list[Route]:
    """The routes of a path, one a method; none for an unknown path."""
    return [route for route in ROUTES if route.pattern.fullmatch(path)]
