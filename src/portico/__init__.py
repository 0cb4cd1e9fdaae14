"""Portico: a self-hosted gateway and control plane for production GenAI."""

__version__ = "0.1.0"
