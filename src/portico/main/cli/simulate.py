"""`portico simulate`: the simulated provider as a server of its own."""

import asyncio
from pathlib import Path

import click

from portico.adapters.simulator.serving import serve
from portico.main.cli.exits import NoAnswer, UsageFault
from portico.main.cli.options import as_json
from portico.main.cli.terminal import note, print_json
from portico.main.settings import DEFAULT_HOST

LARGEST_SCRIPT = 10 * 1024 * 1024


@click.command("simulate")
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Answers of the model `script`: a YAML file.",
)
@as_json
def command(host: str, port: int, script: Path | None, json: bool) -> None:
    """Serve simulated models on the providers' wires until interrupted.

    With --json it prints one line when ready: {"url"}.
    """

    def ready(url: str) -> None:
        if json:
            print_json({"url": url})
        else:
            click.echo(url)
            note("simulated models: every answer is made up by a program · Ctrl-C stops")

    text = None if script is None else _text(script)
    try:
        asyncio.run(serve(host, port, text, ready))
    except OSError as failure:
        raise NoAnswer(f"cannot listen on {host}:{port}: {failure.strerror}") from failure


def _text(script: Path) -> str:
    try:
        data = script.read_bytes()
    except OSError as failure:
        raise UsageFault(f"{script} cannot be read: {failure.strerror}") from failure
    if len(data) > LARGEST_SCRIPT:
        raise UsageFault(f"{script} is larger than {LARGEST_SCRIPT >> 20} MiB")
    try:
        return data.decode()
    except UnicodeDecodeError as failure:
        raise UsageFault(f"{script} is not UTF-8 text") from failure
