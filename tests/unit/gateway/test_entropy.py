"""Randomness for identifiers."""

import pytest

from portico.gateway.entropy import STORE, Entropy


def numbered(size: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4))


def test_no_byte_is_given_out_twice_between_two_fillings() -> None:
    entropy = Entropy(numbered)
    pieces = [entropy(8) for _ in range(STORE // 8)]
    assert b"".join(pieces) == numbered(STORE)


@pytest.mark.parametrize("size", [1, 7, 8, 100, STORE])
def test_a_piece_has_the_size_that_was_asked_for_across_fillings(size: int) -> None:
    entropy = Entropy()
    assert {len(entropy(size)) for _ in range(STORE // size + 2)} == {size}


def test_the_system_is_asked_once_for_many_pieces() -> None:
    asked: list[int] = []

    def source(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    entropy = Entropy(source)
    for _ in range(STORE // 8):
        entropy(8)
    assert asked == [STORE]
