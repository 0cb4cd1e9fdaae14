import math

import pytest

from portico.contract.errors import InvalidRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.simulator.connection import connect
from portico.providers.simulator.embed import DIMENSIONS, MAX_DIMENSIONS, embed


def cosine(first: list[float], second: list[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("text", ["", "a", "The cat sat on the mat.", "日本語"])
@pytest.mark.parametrize("dimensions", [None, 1, 2, 3, 64, 4096])
def test_a_vector_has_length_one_and_the_dimensions_asked_for(
    text: str, dimensions: int | None
) -> None:
    found = embed(text, dimensions)
    assert len(found) == (dimensions or DIMENSIONS)
    assert math.hypot(*found) == pytest.approx(1)
    assert found == embed(text, dimensions)


def test_similar_texts_lie_closer_than_others() -> None:
    cat = embed("The cat sat on the mat")
    assert cosine(cat, embed("the mat: on the cat SAT")) == pytest.approx(1)
    assert cosine(cat, embed("A cat sat on a mat")) > 0.5
    assert abs(cosine(cat, embed("Quarterly revenue grew"))) < 0.3


@pytest.mark.parametrize("dimensions", [0, -1, MAX_DIMENSIONS + 1])
def test_dimensions_out_of_bounds_are_refused(dimensions: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        embed("a", dimensions)
    assert caught.value.field == "dimensions"


def test_a_connection_addresses_the_provider_and_its_wire() -> None:
    network = Network(first_byte_s=1)
    connection = connect(Provider(name="sim", kind="simulator", network=network))
    request = connection.request("chat", "echo", b"{}", False, {"anthropic-beta": "x"})
    assert (request.method, request.url, request.body) == (
        "POST",
        "simulator://sim/openai_chat",
        b"{}",
    )
    assert (request.headers, request.network) == ((), network)
    assert connection.wire("chat") == "openai_chat"
    assert connection.wire("embeddings") == "openai_embeddings"
    assert connection.probe().method == "GET"
