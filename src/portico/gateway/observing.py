"""System prompts that applications send themselves, named as they pass."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

from portico.contract.deployment import Happening, ObservedPrompt
from portico.contract.ports import Clock, Notes
from portico.operations.observed import Known, observe, restore

KEEP_EVERY: Final = 1000
"""Calls after which a prompt's counters are kept again: they are a hint, the ledger counts."""


class Observer:
    """What is known of every workload's observed prompts; bounded for each of them."""

    def __init__(self, notes: Notes, clock: Clock, prompts: Iterable[ObservedPrompt] = ()) -> None:
        self._notes = notes
        self._clock = clock
        kept = sorted(prompts, key=lambda each: each.workload)
        self._known: dict[str, Known] = {
            workload: restore(workload, of) for workload, of in groupby(kept, _workload)
        }
        self._seen = 0

    def see(self, workload: str, text: str) -> str:
        """The fingerprint of the prompt that this text is. A new one is noted and happens."""
        known = self._known.get(workload)
        if known is None:  # bounded: calls only reach here with the name of a workload
            known = self._known[workload] = Known(workload)
        now_ns = self._clock.now_ns()
        seen = observe(known, text, now_ns)
        if seen.new or seen.changed:
            self._notes.keep(seen.prompt)
        if seen.new:
            self._notes.keep(
                Happening(
                    at_ns=now_ns,
                    kind="prompt_observed",
                    workload=workload,
                    subject=f"observed:{seen.fingerprint}",
                    detail={"bytes": len(text.encode())},
                )
            )
        self._seen += 1
        if self._seen % KEEP_EVERY == 0:
            self.keep()
        return seen.fingerprint

    def keep(self) -> None:
        """Notes every prompt with its counters as they are now."""
        for known in self._known.values():
            for prompt in known.prompts():
                self._notes.keep(prompt)

    def known(self) -> Mapping[str, Known]:
        return self._known


def _workload(prompt: ObservedPrompt) -> str:
    return prompt.workload
