"""What the routes under /prompts answer, out of the store, the ledger and what serves."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portico.contract.deployment import Act, ObservedPrompt, StoredVersion
from portico.contract.errors import UnknownRoute
from portico.contract.ports import Clock, Ledger, Store
from portico.control.prompts import adopting, comparing
from portico.control.prompts.registry import (
    OBSERVED,
    ProjectPrompts,
    Registered,
    live_version,
    owner,
)
from portico.control.prompts.shown import (
    History,
    PromptList,
    Rows,
    WholePrompt,
    listed,
    source_of,
    users,
    versions,
)
from portico.control.prompts.use import PromptsUse, prompts_use

NANO = 1_000_000_000
DAY_NS = 24 * 3600 * NANO
PAGE = 1000
MOST_PAGES = 20
"""Pages of the audit trail that are read for a window."""


@dataclass(frozen=True)
class Prompts:
    """Blocking calls of the store run off the loop."""

    store: Store
    ledger: Ledger
    clock: Clock
    registered: Registered
    readers: adopting.Readers

    async def list(self, days: int) -> PromptList:
        """All prompts, with their calls in the last `days`."""
        now_ns = self.clock.now_ns()
        rows = await self.ledger.prompts(now_ns - days * DAY_NS, now_ns + 1)
        observed = await asyncio.to_thread(self.store.observed)
        since, until = window(now_ns, days)
        return PromptList(since, until, listed(self.registered(), observed, Rows(rows)))

    async def use(self, days: int) -> PromptsUse:
        """Evidence for the Lens over the last `days`."""
        now_ns = self.clock.now_ns()
        since_ns = now_ns - days * DAY_NS
        rows = await self.ledger.prompts(since_ns, now_ns + 1)
        acts = await asyncio.to_thread(lambda: [*_acts(self.store, since_ns)])
        return prompts_use(rows, acts, *window(now_ns, days))

    async def show(self, name: str, project: str | None, version: str | None) -> WholePrompt:
        """Raises UnknownRoute for a prompt or a version that there is not."""
        if name.startswith(OBSERVED):
            return await self._observed(name)
        of = owner(self.registered(), name, project)
        found = await self._versions(of, name)
        live = live_version(of, name)
        prompt = comparing.version_of(found, version or live)
        return WholePrompt(
            name=name,
            project=of.project,
            source=source_of(prompt),
            live=live,
            prompt=prompt,
            workloads=users(of, name),
            versions=versions(found, live, diff=False),
        )

    async def history(self, name: str, project: str | None) -> History:
        """Raises UnknownRoute for a prompt that there is not."""
        of = owner(self.registered(), name, project)
        found = await self._versions(of, name)
        shown = await asyncio.to_thread(versions, found, live_version(of, name), True)
        return History(name, of.project, shown)

    async def compare(self, comparison: comparing.Comparison) -> comparing.Compared:
        """Raises UnknownRoute as `show`."""
        of = owner(self.registered(), comparison.name, comparison.project)
        found = await self._versions(of, comparison.name)
        live = live_version(of, comparison.name)
        return await asyncio.to_thread(comparing.compared, comparison, of, found, live)

    async def adopt(self, wanted: adopting.Wanted) -> adopting.Adopted:
        """Raises UnknownRoute for a prompt that was not observed."""
        observed = await asyncio.to_thread(self.store.observed)
        prompt = adopting.chosen(observed, wanted)
        kept = await asyncio.to_thread(
            self.store.transcripts, prompt.workload, adopting.MOST_TRANSCRIPTS
        )
        made = await asyncio.to_thread(adopting.files_of, prompt, wanted, kept, self.readers)
        await asyncio.to_thread(self.store.act, self._adoption(prompt, wanted))
        return made

    def _adoption(self, prompt: ObservedPrompt, wanted: adopting.Wanted) -> Act:
        owners = {
            workload: each.project for each in self.registered() for workload in each.workloads
        }
        return Act(
            at_ns=self.clock.now_ns(),
            who=wanted.by,
            action="adopt",
            project=owners.get(prompt.workload, ""),
            target=prompt.workload,
            before=f"{OBSERVED}{prompt.fingerprint}",
            after=wanted.name,
        )

    async def _versions(self, of: ProjectPrompts, name: str) -> Sequence[StoredVersion]:
        return await asyncio.to_thread(self.store.versions, of.project, name)

    async def _observed(self, name: str) -> WholePrompt:
        observed = await asyncio.to_thread(self.store.observed)
        found = [each for each in observed if f"{OBSERVED}{each.fingerprint}" == name]
        if not found:
            raise UnknownRoute(f"No prompt {name[:100]!r} was observed.", field="name")
        owners = {
            workload: each.project for each in self.registered() for workload in each.workloads
        }
        return WholePrompt(
            name=name,
            project=owners.get(found[0].workload, ""),
            source="observed",
            live="",
            text=found[0].text,
            workloads=tuple(each.workload for each in found),
        )


def window(now_ns: int, days: int) -> tuple[str, str]:
    """Its two ends in ISO 8601."""
    until = datetime.fromtimestamp(now_ns // NANO, UTC)
    return (until - timedelta(days=days)).isoformat(), until.isoformat()


def _acts(store: Store, since_ns: int) -> Iterator[Act]:
    """The acts since then, newest first."""
    before: int | None = None
    for _ in range(MOST_PAGES):
        page = store.acts(PAGE, before)
        for act in page:
            if act.at_ns < since_ns:
                return
            yield act
        if len(page) < PAGE:
            return
        before = page[-1].number
