"""The Upstream port over HTTP/1.1 connections of our own. See docs/network.md."""

from portico.adapters.upstream.client import HttpUpstream
from portico.adapters.upstream.pool import Limits
from portico.adapters.upstream.resolve import Resolver

__all__ = ["HttpUpstream", "Limits", "Resolver"]
