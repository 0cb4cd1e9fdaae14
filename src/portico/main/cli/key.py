"""`portico key`: who may call."""

import click
import msgspec

from portico.main.cli.exits import UsageFault
from portico.main.cli.options import as_json
from portico.main.cli.server import Reply, Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_json, print_table
from portico.main.cli.words import NANO, duration, moment
from portico.main.settings import read_environment, read_settings

LONGEST_NAME = 100


class ShownKey(msgspec.Struct, frozen=True):
    """A key as the server shows it. Times are seconds since the epoch."""

    id: str
    name: str
    kind: str
    workloads: list[str]
    team: str
    created: float
    state: str
    expires: float | None = None
    revoked: float | None = None


class NewKey(msgspec.Struct, frozen=True):
    id: str
    key: str


class KeyList(msgspec.Struct, frozen=True):
    keys: list[ShownKey]


@click.group("key")
def command() -> None:
    """Create, list, rotate and revoke keys."""


@command.command("create")
@click.option("--name", help="What the key is for; by default its workloads.")
@click.option("--workload", "workloads", multiple=True, help="May be repeated; '*' for all.")
@click.option("--team", default="default", show_default=True, help="The team that it belongs to.")
@click.option("--expires", metavar="SPAN", help="How long it lives: 90s, 1h, 30d. Default: always.")
@click.option("--metrics", is_flag=True, help="A key that reads /metrics and nothing else.")
@as_json
@with_server
def create(
    name: str | None,
    workloads: tuple[str, ...],
    team: str,
    expires: str | None,
    server: Server,
    **rest: bool,
) -> None:
    """Make a key and show it, this once."""
    metrics = rest["metrics"]
    if metrics == bool(workloads):
        raise UsageFault("give --workload NAME (or '*'), or --metrics, and not both")
    body = {
        "name": name or ("metrics" if metrics else ", ".join(workloads)[:LONGEST_NAME]),
        "kind": "metrics" if metrics else "key",
        "workloads": list(workloads),
        "team": team,
        "expires_s": None if expires is None else duration(expires, "--expires"),
    }
    reply = server.request("POST", path_of("keys"), body=body)
    _show_new(reply, rest["json"])


@command.command("rotate")
@click.argument("id")
@click.option(
    "--overlap", default="0s", show_default=True, help="How long the old key still opens: 1h."
)
@as_json
@with_server
def rotate(id: str, overlap: str, server: Server, json: bool) -> None:  # noqa: A002 - the argument's name
    """Replace key ID by a new one with the same scope."""
    body = {"overlap_s": duration(overlap, "--overlap")}
    reply = server.request("POST", path_of("keys", id, "rotate"), body=body)
    _show_new(reply, json)


@command.command("revoke")
@click.argument("id")
@as_json
@with_server
def revoke(id: str, server: Server, json: bool) -> None:  # noqa: A002 - the argument's name
    """End key ID; the next call that shows it is refused."""
    reply = succeeded(server.request("POST", path_of("keys", id, "revoke"), body={}))
    key = read(reply, ShownKey)
    if json:
        print_json(key)
    else:
        click.echo(f"{key.id} is revoked")


@command.command("list")
@as_json
@with_server
def list_(server: Server, json: bool) -> None:
    """All keys; never their secrets."""
    keys = read(succeeded(server.request("GET", path_of("keys"))), KeyList).keys
    if json:
        print_json(keys)
        return
    print_table(
        ("ID", "NAME", "KIND", "WORKLOADS", "TEAM", "CREATED (UTC)", "EXPIRES (UTC)", "STATE"),
        [
            (
                key.id,
                key.name,
                key.kind,
                ", ".join(key.workloads) or "-",
                key.team,
                moment(int(key.created * NANO)),
                "never" if key.expires is None else moment(int(key.expires * NANO)),
                key.state,
            )
            for key in keys
        ],
        color=read_settings(read_environment()).color,
    )


def _show_new(reply: Reply, as_it_came: bool) -> None:
    key = read(succeeded(reply), NewKey)
    if as_it_came:
        print_json(key)
        return
    note(f"{key.id} · keep it now, it is not shown again:")
    click.echo(key.key)
