"""The shape of portico.yaml, whole. What a key means is in docs/reference/configuration.md."""

from portico.control.projects.schema.project import Project

__all__ = ["Project"]
