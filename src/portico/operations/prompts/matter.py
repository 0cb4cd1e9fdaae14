"""Front matter: what a prompt's file says above its template."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from portico.contract.conversation import Json
from portico.methods.nearest import nearest
from portico.methods.yaml12 import Data, Document, Path, Unreadable, read
from portico.operations.prompts import settings
from portico.operations.prompts.faults import Fault
from portico.operations.prompts.variables import BadSchema, Variables, full, validator

KEYS: Final = (
    "name", "description", "variables", "untrusted", "parameters", "tools", "output", "observed",
)  # fmt: skip
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
CONTEXT: Final = "context"
FIRST: Final = 1
"""Lines of the file above the front matter: the dashes."""


class Matter:
    """Front matter as it is read: `fields` of the version, and what is wrong."""

    def __init__(self, path: str, stem: str, text: str | None) -> None:
        self._path = path
        self._stem = stem
        self.fields: dict[str, Any] = {"name": stem}
        self.faults: list[Fault] = []
        self.variables: Variables | None = None
        self._document = Document({}, {})
        try:
            self._document = read(text or "")
        except Unreadable as error:
            line, column = error.place
            self.faults.append(Fault(path, line + FIRST, column, error.message, error.hint))
            return
        self._read(self._document.data)

    def report(self, path: Path, message: str, hint: str = "") -> None:
        line, column = self._document.place(path)
        self.faults.append(Fault(self._path, line + FIRST, column, message, hint))

    def texts(self) -> Iterator[tuple[str, int, int]]:
        """Every text in it, keys included, with line and column in the file."""
        for path, (line, column) in self._document.places.items():
            value = self._at(path)
            for text in (value, path[-1] if path else None):
                if isinstance(text, str):
                    yield text, line + FIRST, column

    def _at(self, path: Path) -> Data:
        value: Any = self._document.data
        for step in path:
            value = value[step]
        return value  # type: ignore[no-any-return]

    def _read(self, data: Mapping[str, Data]) -> None:
        settings.unknown(data, KEYS, (), "a key of a prompt", self.report)
        self._name(data.get("name", self._stem))
        for key in ("description", "observed"):
            if data.get(key) is not None and not isinstance(data[key], str):
                self.report((key,), f"{key} must be text")
        self._variables(data.get("variables"))
        self._untrusted(data.get("untrusted"))
        if data.get("parameters") is not None:
            self.fields["parameters"] = settings.parameters(data["parameters"], self.report)
        if data.get("tools") is not None:
            self.fields["tools"] = settings.tools(data["tools"], self.report)
        if data.get("output") is not None:
            self.fields["output"] = settings.output(data["output"], self.report)
        observed = data.get("observed")
        if isinstance(observed, str):
            if not FINGERPRINT.fullmatch(observed):
                self.report(("observed",), "observed must be 16 hexadecimal digits")
            self.fields["observed"] = observed

    def _name(self, name: Data) -> None:
        if not NAME.fullmatch(self._stem):
            message = f"the file's name {self._stem[:100]!r} cannot name a prompt"
            self.report((), message, "use letters, digits, dots, _ and -, at most 100")
        elif name != self._stem:
            message = f"the name must be that of the file, {self._stem}"
            self.report(("name",), message, "rename the file, or leave the name out")

    def _variables(self, written: Data) -> None:
        if written is None:
            self.variables = Variables(None)
            return
        try:
            schema = full(written)
            self.variables = variables = Variables(schema)
        except BadSchema as error:
            self.report(self._within(error.path), error.message)
            return
        self.fields["variables"] = schema
        for name, value in variables.defaults.items():
            self._default(schema, name, value)

    def _default(self, schema: Mapping[str, Any], name: str, value: Json) -> None:
        """A default must be a value that the variable takes."""
        shared = {key: schema[key] for key in ("$defs", "definitions", "$schema") if key in schema}
        part = {**shared, "properties": {name: schema["properties"][name]}}
        if not validator(part).is_valid({name: value}):
            path = self._within(("properties", name, "default"))
            self.report(path, f"the default of {name} does not fit its schema")

    def _within(self, path: tuple[str | int, ...]) -> Path:
        """Where a place of the full schema stands in what was written."""
        for start in (0, 1):
            at: Path = ("variables", *path[start:])
            if at in self._document.places:
                return at
        return ("variables", *path[1:2]) if path[:1] == ("properties",) else ("variables",)

    def _untrusted(self, written: Data) -> None:
        names = [written] if isinstance(written, str) else written
        if names is None:
            return
        if not isinstance(names, list):
            self.report(("untrusted",), "untrusted must be a list of variables")
            return
        known = (*(self.variables.names if self.variables else ()), CONTEXT)
        for index, name in enumerate(names):
            if self.variables is not None and name not in known:
                near = nearest(str(name), known)
                hint = f"did you mean {near[0]}?" if near else "list variables, or context"
                message = f"{str(name)[:60]} is not a variable of this prompt"
                self.report(("untrusted", index), message, hint)
        self.fields["untrusted"] = tuple(str(name) for name in dict.fromkeys(map(str, names)))
