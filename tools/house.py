"""The house rules that no linter knows, checked on the source alone.

    python tools/house.py [ROOT]

Prints one line a finding, `path:line: message`, and exits 1 if there is any. Storeys and rooms
are import-linter's business (`[tool.importlinter]`), complexity is ruff's (`C90`).
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

# --- the limits ----------------------------------------------------------------------------

FILE_LINES: Final = 400
FILE_LINES_OF: Final = {"src/portico/gateway/pipeline.py": 250}  # the call's story, in one view
FUNCTION_LINES: Final = 60
PARAMETERS: Final = 6  # of every kind; `self` and `cls` do not count

FOLDERS: Final = ("src", "tests", "benchmarks", "tools")
SOURCE: Final = ("src",)
SHIPPED: Final = ("src", "benchmarks", "tools")
GENERATED: Final = ("*/migrations/versions/*", "*/alembic/versions/*")
COUNTED_SUFFIXES: Final = {".py", ".sql", ".js", ".css", ".html", ".sh"}

FORBIDDEN_NAMES: Final = {
    "base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils",
}  # fmt: skip
SETTINGS: Final = "src/portico/main/settings.py"
ENVIRONMENT: Final = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
BROAD: Final = {"Exception", "BaseException"}
SPAWNERS: Final = {"create_task", "ensure_future", "run_coroutine_threadsafe"}

PURE_ROOMS: Final = {
    "operations", "security", "reliability", "performance", "cost", "sustainability", "wires",
    "providers", "methods", "contract",
}  # fmt: skip
IMPURE_MODULES: Final = {"urllib.request"}  # the rest stands in the import contract `pure`

TABLES: Final = {"list", "dict", "set"}  # constants when their name says so
CONTAINERS: Final = {
    "ChainMap", "Condition", "Counter", "Event", "Lock", "OrderedDict", "Queue", "RLock",
    "Semaphore", "WeakKeyDictionary", "WeakSet", "WeakValueDictionary", "bytearray", "count",
    "defaultdict", "deque",
}  # fmt: skip
DISPLAYS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTATORS: Final = {
    "add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "insert",
    "intersection_update", "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort",
    "symmetric_difference_update", "update",
}  # fmt: skip
CONSTANT: Final = re.compile(r"_?[A-Z][A-Z0-9_]*|__all__")
DIRECTIVE: Final = re.compile(
    r"noqa(: *[A-Z]+\d+(, *[A-Z]+\d+)*)?|type: *ignore(\[[\w, -]*\])?|pragma: *no *\w+|fmt: *\w+"
)

# --- what a check sees and says ------------------------------------------------------------

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file, read once. `comments` are by line, without the hash."""

    path: str
    tree: ast.Module
    lines: tuple[str, ...]
    comments: dict[int, str]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Said = Iterator[tuple[int, str]]
Check = Callable[[Source], Said]
Edges = dict[str, dict[str, int]]


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def called(node: ast.AST) -> str:
    """The last name of what a call calls, or nothing."""
    return last_name(node.func) if isinstance(node, ast.Call) else ""


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def has_reason(comment: str) -> bool:
    """Whether a comment says more than an instruction to a tool: two words at least."""
    return len(re.findall(r"[^\W\d_]{2,}", DIRECTIVE.sub(" ", comment))) >= 2


def explained(source: Source, lines: Iterable[int]) -> bool:
    return any(has_reason(source.comments.get(line, "")) for line in lines)


# --- sizes ---------------------------------------------------------------------------------


def function_sizes(source: Source) -> Said:
    for function in functions(source.tree):
        count = (function.end_lineno or function.lineno) - function.lineno + 1
        if count > FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {count} lines, {FUNCTION_LINES} at most"


def parameters(source: Source) -> Said:
    for function in functions(source.tree):
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        stars = [star for star in (arguments.vararg, arguments.kwarg) if star]
        bound = bool(positional) and positional[0].arg in {"self", "cls"}
        count = len(positional) + len(arguments.kwonlyargs) + len(stars) - bound
        if count > PARAMETERS:
            yield function.lineno, f"{function.name} takes {count} parameters, {PARAMETERS} at most"


# --- habits --------------------------------------------------------------------------------


def broad_excepts(source: Source) -> Said:
    """A handler of everything, or a `suppress` of everything, says on its line why."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            broad = any(kind is None or last_name(kind) in BROAD for kind in caught)
            end = node.body[0].lineno - 1
        elif called(node) == "suppress" and isinstance(node, ast.Call):
            broad = any(last_name(kind) in BROAD for kind in node.args)
            end = node.end_lineno or node.lineno
        else:
            continue
        if broad and not explained(source, range(node.lineno, max(end, node.lineno) + 1)):
            yield node.lineno, "catches everything without a reason in a comment on that line"


def environment(source: Source) -> Said:
    if source.path == SETTINGS:
        return
    imports = [node for node in ast.walk(source.tree) if isinstance(node, ast.Import)]
    systems = {a.asname or a.name for node in imports for a in node.names if a.name == "os"}
    for node in ast.walk(source.tree):
        used: set[str] = set()
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            used = {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and last_name(node.value) in systems:
            used = {node.attr}
        if isinstance(node, ast.ImportFrom | ast.Attribute) and used & ENVIRONMENT:
            yield node.lineno, f"reads the environment; only {SETTINGS} may"


def bare_tasks(source: Source) -> Said:
    """A task that nobody holds may vanish half done, and its error with it."""
    groups = {
        item.optional_vars.id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name) and called(item.context_expr) == "TaskGroup"
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Expr | ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        kept = isinstance(node, ast.Assign) and [last_name(name) for name in node.targets] != ["_"]
        owner = node.value.func
        held = kept or (isinstance(owner, ast.Attribute) and last_name(owner.value) in groups)
        if called(node.value) in SPAWNERS and not held:
            yield node.lineno, f"{called(node.value)} whose task is neither kept nor awaited"


def module_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run at import, also those below `if`, `try` and `with`."""
    for statement in body:
        yield statement
        if isinstance(statement, Function | ast.ClassDef):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from module_statements(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []):
            yield from module_statements(handler.body)


def module_state(source: Source) -> Said:
    """A module may hold constant tables, in capitals; it holds nothing that changes."""
    for statement in module_statements(source.tree.body):
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        names = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        constant = all(CONSTANT.fullmatch(last_name(name)) for name in names)
        table = isinstance(statement.value, DISPLAYS) or called(statement.value) in TABLES
        if called(statement.value) in CONTAINERS or (table and not constant):
            yield statement.lineno, f"{ast.unparse(names[0])} is mutable state of the module"


def changed_constants(source: Source) -> Said:
    """Nothing in a function rebinds a module's name or changes a table in capitals."""
    for function in functions(source.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                yield node.lineno, f"global {', '.join(node.names)}: a module keeps no state"
            elif isinstance(node, ast.expr) and CONSTANT.fullmatch(changed(node)):
                yield node.lineno, f"changes the constant {changed(node)}"


def changed(node: ast.expr) -> str:
    """The name of the container that an expression changes in place, or nothing."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return last_name(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return last_name(node.func.value) if node.func.attr in MUTATORS else ""
    return ""


def function_imports(source: Source) -> Said:
    """An import in a function has its reason on its line or above its group of imports."""
    seen: set[int] = set()
    for function in functions(source.tree):
        granted = -1  # the line where the last explained import ended
        for node in ast.walk(function):
            if not isinstance(node, ast.Import | ast.ImportFrom) or node.lineno in seen:
                continue
            seen.add(node.lineno)
            end = node.end_lineno or node.lineno
            above = source.lines[node.lineno - 2].lstrip().startswith("#")
            first = node.lineno - 1 if above else node.lineno
            if explained(source, range(first, end + 1)) or granted == node.lineno - 1:
                granted = end
            else:
                yield node.lineno, "import in a function without a comment that says why"


def impure_imports(source: Source) -> Said:
    parts = PurePosixPath(source.path).parts
    if len(parts) < 3 or parts[2].removesuffix(".py") not in PURE_ROOMS:
        return
    for node in ast.walk(source.tree):
        for name in imported_names(node, ()):
            if name in IMPURE_MODULES:
                yield getattr(node, "lineno", 1), f"{parts[2]}/ is pure and imports {name}"


# --- the graph of imports ------------------------------------------------------------------


def module_of(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).with_suffix("").parts[1:]
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported_names(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Every dotted name that an import may load; `from a import b` may load `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        start = package[: len(package) - node.level + 1] if node.level else ()
        origin = ".".join([*start, *([node.module] if node.module else [])])
        yield origin
        yield from (f"{origin}.{alias.name}" for alias in node.names)


def import_graph(own: dict[str, Source]) -> Edges:
    """The modules of src, each with the modules it imports and on which line."""
    graph: Edges = {name: {} for name in own}
    for name, source in own.items():
        edges, package = graph[name], PurePosixPath(source.path).parts[1:-1]
        for node in ast.walk(source.tree):
            found = [target for target in imported_names(node, package) if target in own]
            deepest = {t for t in found if not any(o.startswith(t + ".") for o in found)}
            for target in deepest:
                edges.setdefault(target, getattr(node, "lineno", 1))
    return graph


def way_back(graph: Edges, start: str) -> list[str]:
    """A shortest chain of imports from a module to itself, or nothing."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked: breadth first
        for target in graph[way[-1]]:
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def cycles(sources: Iterable[Source]) -> Iterator[Finding]:
    own = {".".join(module_of(s.path)): s for s in sources if s.path.startswith("src/")}
    graph = import_graph(own)
    told: set[str] = set()
    for name in sorted(graph):
        way = way_back(graph, name) if name not in told else []
        if way:
            told.update(way)
            place = own[name].path, graph[name][way[1]]
            yield Finding(*place, f"import cycle: {' -> '.join(way)}")


# --- the files -----------------------------------------------------------------------------

CHECKS: Final[tuple[tuple[Check, tuple[str, ...]], ...]] = (
    (function_sizes, FOLDERS),
    (parameters, FOLDERS),
    (broad_excepts, FOLDERS),
    (environment, SOURCE),
    (bare_tasks, FOLDERS),
    (module_state, SHIPPED),
    (changed_constants, SHIPPED),
    (function_imports, FOLDERS),
    (impure_imports, SOURCE),
)


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file of code below the folders of the house, with its path from the root."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.suffix in COUNTED_SUFFIXES and path.is_file() and not hidden:
                yield relative.as_posix(), path


def name_findings(path: str) -> Iterator[Finding]:
    for part in PurePosixPath(path).with_suffix("").parts[1:]:
        if part.split("_")[-1] in FORBIDDEN_NAMES:
            yield Finding(path, 1, f"the name {part} says nothing: name what is in it")


def line_findings(path: str, count: int) -> Iterator[Finding]:
    limit = FILE_LINES_OF.get(path, FILE_LINES)
    generated = any(PurePosixPath(path).match(pattern) for pattern in GENERATED)
    if count > limit and not generated:
        yield Finding(path, limit + 1, f"{count} lines, {limit} at most")


def read(path: str, text: str) -> Source:
    """Raises SyntaxError where the text is not Python."""
    tree = ast.parse(text)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    return Source(path, tree, tuple(text.splitlines()), comments)


def inspect(root: Path) -> list[Finding]:
    findings: list[Finding] = []
    sources: list[Source] = []
    for path, file in files(root):
        text = file.read_text(encoding="utf-8")
        findings += line_findings(path, len(text.splitlines()))
        if file.suffix != ".py":
            continue
        findings += name_findings(path)
        try:
            sources.append(read(path, text))
        except SyntaxError as error:
            findings.append(Finding(path, error.lineno or 1, f"not Python: {error.msg}"))
    for check, folders in CHECKS:
        for source in sources:
            if source.path.split("/")[0] in folders:
                findings += [Finding(source.path, *said) for said in check(source)]
    findings += cycles(sources)
    return sorted(set(findings))


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    if not (root / "src").is_dir():
        print(f"{root} has no src/: give the root of a checkout", file=sys.stderr)
        return 2
    findings = inspect(root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
