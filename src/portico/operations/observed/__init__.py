"""System prompts that applications send themselves: told apart, named, and made into files."""

from portico.operations.observed.known import Known, Seen, observe, recall, restore

__all__ = ["Known", "Seen", "observe", "recall", "restore"]
