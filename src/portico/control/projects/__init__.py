"""Projects: what a directory in git says, checked and compiled into a snapshot."""

from portico.control.projects.compile import (
    Compiled,
    Durability,
    compile_project,
    project_of,
    wanted_files,
)
from portico.control.projects.drift import drift
from portico.control.projects.problems import Problem
from portico.control.projects.references import (
    Unresolved,
    resolved,
    with_secrets,
)
from portico.control.projects.scaffold import scaffold

__all__ = [
    "Compiled",
    "Durability",
    "Problem",
    "Unresolved",
    "compile_project",
    "drift",
    "project_of",
    "resolved",
    "scaffold",
    "wanted_files",
    "with_secrets",
]
