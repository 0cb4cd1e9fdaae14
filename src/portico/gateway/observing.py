"""System prompts that applications send themselves, named as they pass."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from portico.contract.deployment import Happening, ObservedPrompt
from portico.contract.ports import Clock, Notes
from portico.operations.observed import Known, observe, recall, restore

KEEP_EVERY: Final = 1000
"""Calls after which a prompt's counters are kept again: they are a hint, the ledger counts."""
CHARACTERS_A_SECOND: Final = 10_000
"""Of texts that have to be compared word by word. That takes some 3 µs a character on the loop
that serves calls, so a few hundredths of its time; naming a prompt is not worth more."""
MOST_CHARACTERS: Final = 200_000
"""What can be saved up for a moment: a start, say, when every prompt is new."""


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
        self._credit = float(MOST_CHARACTERS)
        self._counted = clock.monotonic()

    def see(self, workload: str, text: str) -> str:
        """The fingerprint of the prompt that this text is. A new one is noted and happens.

        Empty where telling would take more work than there is to spare at the moment.
        """
        known = self._known.get(workload)
        if known is None:  # bounded: calls only reach here with the name of a workload
            known = self._known[workload] = Known(workload)
        now_ns = self._clock.now_ns()
        seen = recall(known, text, now_ns)
        if seen is None:
            if not self._affords(len(text)):
                return ""
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

    def _affords(self, characters: int) -> bool:
        now = self._clock.monotonic()
        earned = (now - self._counted) * CHARACTERS_A_SECOND
        self._credit = min(self._credit + earned, MOST_CHARACTERS)
        self._counted = now
        if self._credit <= 0:
            return False
        self._credit -= characters
        return True

    def keep(self) -> None:
        """Notes every prompt with its counters as they are now."""
        for known in self._known.values():
            for prompt in known.prompts():
                self._notes.keep(prompt)


def _workload(prompt: ObservedPrompt) -> str:
    return prompt.workload
