"""Header fields of a reply, found without regard to the case of their names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

_T = TypeVar("_T")

_LISTS = frozenset((b"content-encoding", b"transfer-encoding"))
"""Fields whose further lines change what the first one says."""


class Headers(Mapping[str, str]):
    """Kept as they came, by the name in lower case; read when asked for.

    Of several lines with one name the first counts. Bytes that are not UTF-8 become surrogates.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: dict[bytes, bytes]) -> None:
        self.fields = fields

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Headers":
        headers = cls({})
        for name, value in pairs:
            headers.add(name.encode(), value.encode())
        return headers

    def add(self, name: bytes, value: bytes) -> None:
        fields = self.fields
        name = name.lower()
        if name not in fields:
            fields[name] = value
        elif name in _LISTS:
            fields[name] += b", " + value

    def __getitem__(self, name: str) -> str:
        value = self.fields[name.lower().encode()]
        return value.decode("utf-8", "surrogateescape").rstrip(" \t")

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: str) -> str: ...

    @overload
    def get(self, name: str, /, default: _T) -> str | _T: ...

    def get(self, name: str, /, default: object = None) -> object:
        """Most fields that a call looks for are missing: without the exception of a Mapping."""
        value = self.fields.get(name.lower().encode())
        return default if value is None else value.decode("utf-8", "surrogateescape").rstrip(" \t")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower().encode() in self.fields

    def __repr__(self) -> str:
        return f"Headers({sorted(self)})"
