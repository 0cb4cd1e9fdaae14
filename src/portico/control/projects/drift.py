"""How a project directory differs from what is live."""

from collections.abc import Iterator, Mapping

from portico.control.projects.serving import Serving


def drift(live: Mapping[str, str], directory: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each file that differs, by path; none where both are equal."""
    lines = []
    for path in sorted(live.keys() | directory.keys()):
        if path not in live:
            lines.append(f"{path}: only in the directory")
        elif path not in directory:
            lines.append(f"{path}: only live")
        elif live[path] != directory[path]:
            lines.append(f"{path}: changed")
    return tuple(lines)


def drifted(serving: Serving, project: str, directory: Mapping[str, str]) -> tuple[str, ...]:
    """How the local directory, which is `project`, and the pointers differ from what is applied."""
    shipped = serving.projects.get(project)
    if shipped is not None:
        found = drift(shipped.applied.files, directory)
    elif directory:
        found = (f"project {project}: only in the directory",)
    else:
        found = ()
    return found + tuple(_rolled_back(serving))


def _rolled_back(serving: Serving) -> Iterator[str]:
    releases = {
        workload.name: workload.release
        for shipped in serving.projects.values()
        if shipped.compiled.snapshot is not None
        for workload in shipped.compiled.snapshot.workloads
    }
    for name, pointer in sorted(serving.deployments.items()):
        made = releases.get(name, pointer.live)
        if pointer.action == "rollback" and pointer.live != made:
            yield f"workload {name}: rolled back to {pointer.live}; its directory makes {made}"
