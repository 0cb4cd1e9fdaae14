"""Prompts: files into versions, versions into templates, templates into turns."""

from portico.operations.prompts.faults import BrokenPrompt, Fault
from portico.operations.prompts.reading import Reading, identify, read_prompt
from portico.operations.prompts.template import Template, compile_prompt

__all__ = [
    "BrokenPrompt",
    "Fault",
    "Reading",
    "Template",
    "compile_prompt",
    "identify",
    "read_prompt",
]
