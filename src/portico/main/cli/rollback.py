"""`portico rollback`: a workload serves an earlier release again, at once."""

import click

from portico.control.projects.outcome import RolledBack
from portico.main.cli.options import as_json
from portico.main.cli.server import Server, path_of, read, succeeded, with_server
from portico.main.cli.terminal import note, print_raw_json
from portico.main.cli.words import plain


@click.command("rollback")
@click.argument("workload")
@click.option("--to", metavar="RELEASE", help="By default the one that was live before.")
@click.option("--why", default="", help="For the audit trail.")
@as_json
@with_server
def command(workload: str, to: str | None, why: str, server: Server, json: bool) -> None:
    """Move WORKLOAD's pointer to another of its releases. It is live when this returns.

    The directory is not changed: until it follows, the difference is drift, and the next apply
    ships the directory's release again.
    """
    body = {"to": to, "why": why}
    reply = succeeded(server.request("POST", path_of("workloads", workload, "rollback"), body=body))
    made = read(reply, RolledBack)
    if json:
        print_raw_json(reply.body)
        return
    click.echo(plain(f"{made.workload}: {made.from_} -> {made.to}"))
    note("live now; the next apply ships the directory's release again")
