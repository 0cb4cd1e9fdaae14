"""The Upstream port over aiohttp. See docs/network.md."""

from portico.adapters.upstream.client import AiohttpUpstream, Limits

__all__ = ["AiohttpUpstream", "Limits"]
