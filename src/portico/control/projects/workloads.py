"""`workloads:` into the snapshot's workloads, and the workload `default`."""

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from portico.contract.conversation import Json
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Workload
from portico.control.projects import bedrock, names
from portico.control.projects.catalogue import retires_by
from portico.control.projects.discovery import SMALL
from portico.control.projects.problems import FILE, Problem, problem
from portico.control.projects.schema import Project
from portico.control.projects.schema.workloads import Latency
from portico.control.projects.schema.workloads import Workload as Written
from portico.methods.yaml12 import Document
from portico.operations.releases import identify

DEFAULT = "default"
LASTING = timedelta(days=30)
"""A model that is chosen for the user is not one that its provider retires within this time."""


class Workloads:
    """What was made of the section, and what was wrong with it."""

    def __init__(
        self,
        document: Document,
        providers: Mapping[str, Provider],
        models: Mapping[str, Model],
        prompts: Mapping[str, PromptVersion],
        today: date,
    ) -> None:
        self._lasting = today + LASTING
        self._document = document
        self._written = names.entries(document.data, "workloads")
        self._providers = providers
        self._models = models
        self._prompts = prompts
        self.made: list[Workload] = []
        self.releases: list[Release] = []
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def read(self, project: Project) -> None:
        for name, written in project.workloads.items():
            ladder = tuple(tuple(rung.pool) for rung in written.ladder)
            self._note(name, ladder)
            self._check_aws(name, written, ladder)
            self.made.append(self._workload(name, written, ladder, project))

    def add_default(self, project: str) -> None:
        """Makes the workload `default` where the project has none of its own."""
        if any(workload.name == DEFAULT for workload in self.made):
            return
        model = self._first()
        if model is None:
            hint = "add one under models:, with a provider of any kind"
            message = "there is no model for the workload default"
            self.problems.append(problem(self._document, (), message, hint))
            return
        default = Workload(name=DEFAULT, ladder=((model,),), project=project, implied=True)
        self.made.append(self._released(default, None))

    def _first(self) -> str | None:
        """The first model of the file that answers calls; otherwise a small one of a provider."""
        for model in self._models.values():
            named = "/" not in model.name
            embeds = model.facts is not None and "text" not in model.facts.output
            if named and not embeds:
                return model.name
        small = [
            self._models[name]
            for provider in self._providers.values()
            for id_ in SMALL.get(provider.kind, ())
            if (name := f"{provider.name}/{id_}") in self._models
        ]
        lasting = (model for model in small if not retires_by(model, self._lasting))
        chosen = next(lasting, small[0] if small else None)
        return chosen.name if chosen is not None else None

    def _workload(
        self, name: str, written: Written, ladder: tuple[tuple[str, ...], ...], project: Project
    ) -> Workload:
        lane: Latency = getattr(project.lanes, written.lane).latency
        workload = Workload(
            name=name,
            project=project.project,
            team=written.team,
            lane=written.lane,
            ladder=ladder,
            first_token_s=written.latency.first_token or lane.first_token,
            total_s=written.latency.total or lane.total,
            max_output_tokens=written.max_output_tokens,
            assume_role=written.aws.assume_role if written.aws else "",
            session_tags=tuple(sorted(written.aws.session_tags.items())) if written.aws else (),
            transcripts=written.transcripts == "full",
        )
        return self._released(workload, written.prompt)

    def _note(self, name: str, ladder: tuple[tuple[str, ...], ...]) -> None:
        if sum(len(rung) for rung in ladder) > 1:
            line = self._document.place(("workloads", name, "ladder"))[0]
            self.warnings.append(
                f"workloads.{name}.ladder ({FILE}:{line}) is understood but not active yet:"
                f" only its first model, {ladder[0][0]}, is called"
            )

    def _check_aws(self, name: str, written: Written, ladder: tuple[tuple[str, ...], ...]) -> None:
        if written.aws is None:
            return
        models = [self._models[model] for rung in ladder for model in rung if model in self._models]
        providers = [self._providers[model.provider] for model in models]
        self.problems += [
            problem(self._document, ("workloads", name, "aws", *path), message, hint)
            for path, message, hint in bedrock.workload_problems(written.aws, providers)
        ]

    def _released(self, workload: Workload, prompt: str | None) -> Workload:
        """The workload with its release's id; the release itself goes to the others. Where a
        model or the prompt is missing, which is a problem already, there is no release."""
        ladder = tuple(
            tuple(self._models[name] for name in rung if name in self._models)
            for rung in workload.ladder
        )
        version = self._prompts.get(prompt) if prompt is not None else None
        cap = workload.max_output_tokens
        if cap is None and version is not None:
            cap = version.parameters.sampling.max_output_tokens
        used = dict.fromkeys(model.provider for rung in ladder for model in rung)
        release = identify(
            Release(
                id="",
                workload=workload.name,
                project=workload.project,
                prompt=version,
                ladder=ladder,
                providers=tuple(bare(self._providers[name]) for name in used),
                max_output_tokens=cap,
                guards=self._as_written(workload.name, "guards"),
                trust=self._as_written(workload.name, "trust"),
            )
        )
        self.releases.append(release)
        return msgspec.structs.replace(workload, release=release.id)

    def _as_written(self, workload: str, key: str) -> Json:
        return self._written.get(workload, {}).get(key)


def bare(provider: Provider) -> Provider:
    """The provider without credentials, as a release keeps it."""
    network = msgspec.structs.replace(provider.network, proxy="")
    return msgspec.structs.replace(provider, api_key="", headers=(), network=network)
