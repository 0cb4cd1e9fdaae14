"""`portico up`: gateway and control plane in one process."""

from pathlib import Path

import click

from portico.main.cli.options import DIRECTORY, as_json, directory
from portico.main.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    UpOptions,
    checked_address,
    data_directory,
    embedded_only,
    read_environment,
    read_settings,
)


@click.command("up")
@directory
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0 picks a free one.",
)
@as_json
@click.option("--data", type=DIRECTORY, help="Data directory; default DIR/.portico (PORTICO_DATA).")
@click.option("--metrics", metavar="HOST:PORT", help="Serve /metrics there, without a credential.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    directory: Path,
    host: str,
    port: int,
    data: Path | None,
    **rest: str | bool | None,
) -> None:
    """Serve the project in DIR until interrupted.

    In an empty directory it serves the workload `default` over the providers whose keys are in
    the environment, otherwise over the simulator. With --json it prints one line when ready:
    {"url", "admin_key", "version"}; the admin key on the first start of a data directory only.
    """
    settings = read_settings(read_environment())
    embedded_only(settings)
    metrics = rest["metrics"]
    options = UpOptions(
        directory=directory.absolute(),
        data=data_directory(settings, directory, data),
        host=host,
        port=port,
        json=bool(rest["json"]),
        shared_url=settings.shared_url,
        metrics=None if not metrics else checked_address(str(metrics), "--metrics"),
    )
    # the server is half of Portico: only this command pays for importing it
    from portico.main.serve import run

    ctx.exit(run(options))
