"""Every route of the administrative API: documented, and closed to keys that are no admin's."""

import asyncio
import json
import re
from pathlib import Path

from tests.unit.control.office import Office
from tests.unit.gateway.harness import Site

PAGE = Path(__file__).parents[3] / "docs/reference/admin.md"
ROW = re.compile(r"^\| `([A-Z]+) (/admin/v1/[^?`]*)[^`]*` \|", re.MULTILINE)


def routes() -> set[tuple[str, str]]:
    _, document = Office().ask("GET", "/openapi.json")
    return {
        (method.upper(), path.replace(":path", ""))
        for path, operations in document["paths"].items()
        for method in operations
    }


def test_the_reference_lists_exactly_the_routes_that_there_are() -> None:
    assert set(ROW.findall(PAGE.read_text(encoding="utf-8"))) == routes()


def test_no_route_lets_a_key_in_that_is_no_admins() -> None:
    site, known = Site(), sorted(routes())

    async def walk() -> dict[tuple[str, str, str | None], int]:
        return {
            (method, path, key): (await site.request(method, path, b"{}", None, key=key)).status
            for method, path in known
            for key in ("key", "metrics", None)
        }

    found = asyncio.run(walk())
    assert len(found) == 3 * len(known) > 60
    assert {status for (_, _, key), status in found.items() if key is not None} == {403}
    assert {status for (_, _, key), status in found.items() if key is None} == {401}


def test_a_body_of_the_wrong_type_or_with_an_unknown_member_is_refused_by_every_route() -> None:
    office = Office()
    bodies = (b"[]", b'{"surprise": 1}', b"\xff")
    for method, path in sorted(routes()):
        if method != "POST" or path.endswith("/revoke"):
            continue
        asked = path.removeprefix("/admin/v1").replace("{id}", "call_1").replace("{name}", "x")
        for body in bodies:
            status, answer = office.ask(method, asked, body)
            assert (status, answer["error"]["code"]) == (400, "invalid_request"), (path, body)
            assert "surprise" not in json.dumps(answer) or answer["error"]["field"] == "surprise"
