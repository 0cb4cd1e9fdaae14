"""`portico call`: one message to a workload."""

import http.client
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from portico.main.cli.exits import INTERRUPTED, NO_ANSWER, UNMET, USAGE, NoAnswer, UsageFault
from portico.main.cli.options import as_json
from portico.main.cli.server import Reply, Server, lines, read_whole, with_server
from portico.main.cli.terminal import note, print_json
from portico.main.cli.words import plain, shortened

PATH = "/v1/chat/completions"
BETWEEN_CHUNKS_S = 300.0
LONGEST_INPUT = 32 * 1024 * 1024

EXITS: Mapping[str, int] = {
    "invalid_request": USAGE,
    "unknown_model": USAGE,
    "unauthenticated": USAGE,
    "policy_denied": USAGE,
    "guard_blocked": UNMET,
    "approval_required": UNMET,
    "answer_withheld": UNMET,
}
"""Exit code by our error code; every other error is the system's."""


class Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class ChunkChoice(msgspec.Struct, frozen=True):
    delta: Delta = Delta()
    finish_reason: str | None = None


class StreamError(msgspec.Struct, frozen=True):
    message: str = "the stream broke"
    code: str | None = None


class Told(msgspec.Struct, frozen=True):
    """The `portico` member at a stream's end. The cost stays text: it is exact."""

    model: str = ""
    cost_usd: msgspec.Raw = msgspec.Raw(b"null")
    simulated: bool = False


class Chunk(msgspec.Struct, frozen=True):
    """What of a chunk is shown."""

    choices: list[ChunkChoice] = []
    error: StreamError | None = None
    portico: Told | None = None


class Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class WholeChoice(msgspec.Struct, frozen=True):
    message: Message
    finish_reason: str | None = None


class Whole(msgspec.Struct, frozen=True):
    """What of a whole answer is shown."""

    choices: list[WholeChoice]


@click.command("call")
@click.argument("workload")
@click.argument("text")
@click.option("--system", help="A system text before the message.")
@click.option("--max-tokens", type=click.IntRange(1), help="The most tokens of an answer.")
@click.option("--release", help="Under this release of the workload, live or not.")
@click.option("--variables", metavar="JSON", help="The prompt's variables, one JSON object.")
@click.option("--var", "each", multiple=True, metavar="NAME=TEXT", help="A variable that is text.")
@click.option(
    "--context",
    "context",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file whose text the answer must be grounded in.",
)
@click.option("--no-stream", is_flag=True, help="Wait for the whole answer.")
@as_json
@with_server
@click.pass_context
def command(
    ctx: click.Context,
    /,
    workload: str,
    text: str,
    server: Server,
    json: bool,
    **rest: str | int | tuple[str, ...] | None,
) -> None:
    """Send TEXT to WORKLOAD and print the answer as it comes; TEXT - reads standard input.

    --release and --variables make it a playground for prompts: any release of the workload
    answers, live or not. With --json the reply is printed whole: {"status", "headers", "body"}.
    """
    whole = bool(rest["no_stream"] or json)
    messages: list[object] = []
    if rest["system"] is not None:
        messages.append({"role": "system", "content": rest["system"]})
    messages.append({"role": "user", "content": _stdin() if text == "-" else text})
    body: dict[str, object] = {"model": workload, "messages": messages}
    if rest["max_tokens"] is not None:
        body["max_tokens"] = rest["max_tokens"]
    if wanted := _options(rest):
        body["portico"] = wanted
    if not whole:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    try:
        with server.open("POST", PATH, body=body, timeout=BETWEEN_CHUNKS_S) as reply:
            if whole or reply.status != 200:
                code = _finish_whole(read_whole(reply, server), json)
            else:
                code = _finish_stream(reply, server)
    except KeyboardInterrupt:
        code = INTERRUPTED
    ctx.exit(code)


def _options(given: Mapping[str, object]) -> dict[str, object]:
    """The `portico` member that the options ask for."""
    found: dict[str, object] = {}
    if given["release"]:
        found["release"] = given["release"]
    variables = _variables(given["variables"], given["each"])
    if variables:
        found["variables"] = variables
    if paths := given["context"]:
        assert isinstance(paths, tuple)
        found["context"] = [{"id": path.name, "text": _text(path)} for path in paths]
    return found


def _variables(written: object, each: object) -> dict[str, object]:
    variables: dict[str, object] = {}
    if isinstance(written, str):
        try:
            variables = msgspec.json.decode(written, type=dict[str, object])
        except msgspec.DecodeError as fault:
            raise UsageFault(f"--variables is not one JSON object: {fault}") from fault
    assert isinstance(each, tuple)
    for pair in each:
        name, mark, text = pair.partition("=")
        if not mark or not name:
            raise UsageFault(f"--var {plain(pair)[:40]!r} is not NAME=TEXT")
        variables[name] = text
    return variables


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path} cannot be read as UTF-8 text") from fault


def _stdin() -> str:
    data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    if len(data) > LONGEST_INPUT:
        raise UsageFault(f"standard input holds more than {LONGEST_INPUT >> 20} MiB")
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise UsageFault("standard input is not UTF-8 text") from fault


def _finish_whole(reply: Reply, as_it_came: bool) -> int:
    if as_it_came:
        try:
            body = msgspec.json.decode(reply.body, type=msgspec.Raw)
        except msgspec.DecodeError as failure:
            raise NoAnswer(f"the server answered {reply.status} without JSON") from failure
        print_json({"status": reply.status, "headers": reply.headers, "body": body})
    if reply.status != 200:
        error = reply.error()
        note(f"portico: {error.code}: {error.message}")
        return EXITS.get(error.code, NO_ANSWER)
    if not as_it_came:
        choice = _answer(reply.body)
        _show(choice.message.content or choice.message.refusal or "")
        click.echo()
        _sum_up(reply.headers, choice.finish_reason)
    return 0


def _answer(body: bytes) -> WholeChoice:
    try:
        return msgspec.json.decode(body, type=Whole).choices[0]
    except (msgspec.DecodeError, IndexError) as failure:
        raise NoAnswer("the server's answer is not a chat completion; is it Portico?") from failure


def _finish_stream(reply: http.client.HTTPResponse, server: Server) -> int:
    stop = None
    told = Told()
    for line in lines(reply, server):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            click.echo()
            headers = {name.lower(): value for name, value in reply.getheaders()}
            cost = bytes(told.cost_usd).decode()
            if cost != "null":
                headers["x-portico-cost-usd"] = cost
            _sum_up(headers, stop)
            return 0
        chunk = _chunk(data)
        told = chunk.portico or told
        if chunk.error is not None:
            click.echo()
            code = chunk.error.code or "upstream_failed"
            note(f"portico: {code}: {chunk.error.message}")
            return EXITS.get(code, NO_ANSWER)
        for choice in chunk.choices[:1]:
            _show(choice.delta.content or choice.delta.refusal or "")
            stop = choice.finish_reason or stop
    click.echo()
    raise NoAnswer("the stream ended before the answer did")


def _chunk(data: bytes) -> Chunk:
    try:
        return msgspec.json.decode(data, type=Chunk)
    except msgspec.DecodeError as failure:
        raise NoAnswer("the server's stream is not one of chat completions") from failure


def _show(text: str) -> None:
    """Part of an answer. A terminal gets no control characters that a model wrote."""
    if text:
        click.echo(plain(text) if sys.stdout.isatty() else text, nl=False)


def _sum_up(headers: Mapping[str, str], stop: str | None) -> None:
    cost = headers.get("x-portico-cost-usd")
    parts = [
        headers.get("x-portico-call", ""),
        headers.get("x-portico-model", ""),
        f"${shortened(cost)}" if cost else "",
        "cut at the most tokens allowed" if stop == "length" else "",
    ]
    note(" · ".join(part for part in parts if part))
