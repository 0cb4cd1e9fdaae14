"""`portico prompt`: prompts, their versions, and those that applications send themselves."""

from collections.abc import Sequence
from pathlib import Path

import click

from portico.control.prompts.adopting import Adopted
from portico.control.prompts.comparing import Compared
from portico.control.prompts.shown import History, PromptList, ShownPrompt, WholePrompt
from portico.main.cli.options import DIRECTORY, as_json
from portico.main.cli.prompt_import import command as import_command
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_raw_json, print_table
from portico.main.cli.words import moment, plain
from portico.main.cli.writing import write_new
from portico.main.settings import read_environment, read_settings

COLUMNS = ("NAME", "PROJECT", "SOURCE", "VERSION", "WORKLOADS", "CALLS", "TOKENS IN")
VERSIONS = ("TIME (UTC)", "VERSION", "LIVE", "AUTHOR", "MESSAGE")
COLORS = {"+": "green", "-": "red", "@": "cyan"}
COMPARE_S = 120.0


@click.group("prompt")
def command() -> None:
    """List, compare, import and adopt prompts."""


command.add_command(import_command)


@command.command("list")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 400))
@as_json
@with_server
def list_(server: Server, days: int, json: bool) -> None:
    """Registered, adopted and observed prompts, with their calls of the last days."""
    reply = succeeded(server.request("GET", path_of("prompts"), query={"days": str(days)}))
    if json:
        print_raw_json(reply.body)
        return
    rows = [_row(prompt) for prompt in read(reply, PromptList).prompts]
    color = read_settings(read_environment()).color
    print_table(COLUMNS, rows, numbers=("CALLS", "TOKENS IN"), color=color)


@command.command("show")
@click.argument("name")
@click.option("--version", help="By default the one that is live.")
@as_json
@with_server
def show(name: str, version: str | None, server: Server, json: bool) -> None:
    """The text of prompt NAME (`observed:…` for an observed one)."""
    query = {"version": version} if version else None
    reply = succeeded(server.request("GET", path_of("prompts", name), query=query))
    if json:
        print_raw_json(reply.body)
        return
    found = read(reply, WholePrompt)
    template = found.prompt.template if found.prompt is not None else found.text
    click.echo(plain(template))
    state = found.prompt.version if found.prompt is not None else found.source
    used = ", ".join(found.workloads) or "no workload"
    note(f"{found.name} · {state} · {used} · {len(found.versions)} versions")


@command.command("history")
@click.argument("name")
@click.option("--lines", is_flag=True, help="With what each version changed.")
@as_json
@with_server
def history(name: str, lines: bool, server: Server, json: bool) -> None:
    """The versions of prompt NAME, newest first: when, by whom, and in which words."""
    reply = succeeded(server.request("GET", path_of("prompts", name, "history")))
    if json:
        print_raw_json(reply.body)
        return
    found = read(reply, History).versions
    if not lines:
        rows = [
            (moment(each.created_ns), each.version, "live" if each.live else "", each.author,
             each.message)
            for each in found
        ]  # fmt: skip
        print_table(VERSIONS, rows, color=read_settings(read_environment()).color)
        return
    for each in found:
        click.secho(plain(f"{each.version}  {moment(each.created_ns)}  {each.author}"), bold=True)
        if each.message:
            click.echo(plain(each.message))
        _differences(each.lines)


@command.command("diff")
@click.argument("name")
@click.option("--from", "before", metavar="VERSION", help="By default the one before --to.")
@click.option("--to", "after", metavar="VERSION", help="By default the one that is live.")
@as_json
@with_server
def diff(name: str, server: Server, json: bool, **versions: str | None) -> None:
    """What two versions of prompt NAME differ in: text, variables, and rendered over the cases of
    the suite that has the prompt's name."""
    body = {"name": name, "from": versions["before"], "to": versions["after"]}
    path = path_of("prompts", "diff")
    reply = succeeded(server.request("POST", path, body=body, timeout=COMPARE_S))
    if json:
        print_raw_json(reply.body)
        return
    found = read(reply, Compared)
    click.secho(plain(f"{found.name}: {found.from_ or 'nothing'} -> {found.to}"), bold=True)
    _differences(found.lines)
    for case in found.cases:
        click.secho(plain(f"case {case.id}"), bold=True)
        if case.error:
            click.echo(plain(case.error))
        _differences(case.lines)
        if not case.lines and not case.error:
            click.echo("rendered alike")


@command.command("adopt")
@click.argument("fingerprint", metavar="OBSERVED")
@click.argument("name")
@click.option("--workload", help="Where several workloads have the prompt: which is meant.")
@click.option("--directory", type=DIRECTORY, default=".", help="The project; by default here.")
@as_json
@with_server
def adopt(fingerprint: str, name: str, server: Server, **rest: object) -> None:
    """Write the prompt OBSERVED (`observed:…`, see `portico prompt list`) as prompt NAME.

    Where the workload keeps transcripts, a suite of cases from them comes with it. Files that are
    there are never overwritten.
    """
    body = {"fingerprint": fingerprint, "name": name, "workload": rest["workload"]}
    reply = succeeded(server.request("POST", path_of("prompts", "adopt"), body=body))
    made = read(reply, Adopted)
    directory = rest["directory"]
    assert isinstance(directory, Path)
    written = write_new(directory, made.files)
    if rest["json"]:
        print_raw_json(reply.body)
        return
    for path in written:
        click.echo(f"wrote {path}")
    for text in made.notes:
        note(f"note: {text}")
    note(f"next: read {written[0]}, name it under a workload (`prompt: {name}`), `portico plan`")


def _row(prompt: ShownPrompt) -> tuple[str, ...]:
    return (
        prompt.name,
        prompt.project or "-",
        prompt.source,
        prompt.version or "-",
        ", ".join(prompt.workloads) or "-",
        str(prompt.calls),
        str(prompt.tokens_in),
    )


def _differences(found: Sequence[str]) -> None:
    for line in found:
        click.secho(plain(f"  {line}"), fg=COLORS.get(line[:1]))
