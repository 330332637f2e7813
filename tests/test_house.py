"""Rules that keep the plan of zoo/: few names, short modules, one place for everything. See docs/architecture.md."""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
ZOO = REPO / "zoo"
#: What zoo/ may hold at its top, and how many modules a folder may before it gets folders of its own.
NAMES, MODULES, LINES = 25, 15, 300

#: Longer modules, and why.
LONG = {
    "predict/arguments.py": "generated from the table of options",
    "predict/options.py": "the table of options",
}
#: Public names that stand in two folders, and why.
TWICE = {
    "Progress": "of a download, of windows, of a training run; only the first is a public name",
    "Span": "of time on the command line, of a window",
    "evaluate": "on one machine, on many",
    "encode": "every form of results has an encoder of this name",
    "load_checkpoint": "checkpoints of others and those of a run, by the field's own name",
    "zoo_backends": "a hook and its implementation",
    "zoo_devices": "a hook and its implementation",
    "zoo_formats": "a hook and its implementation",
}
#: Modules whose name stands in two folders, and why.
STEMS = {
    "bundle": "the export folder, read and written",
    "contract": "checked at discovery, tested in depth",
    "device": "what a device is, and how one is found",
    "document": "of a person's file, of a result",
    "engine": "what an engine is, how one runs, its contract as tests",
    "files": "of the machine, of a source",
    "load": "a model, a checkpoint",
    "mapping": "what a label mapping is, and its file",
    "options": "of sources, of a run",
    "packages": "installed ones, needed ones",
    "read": "a pipeline file, a TIFF",
    "samples": "of a trial, of a dataset",
    "steps": "of preprocessing in a file, of a run",
    "trial": "of an engine, of a model",
}
#: Parameters that no code of zoo passes, and why they are there.
UNPASSED = {
    "find_spec": "Python's signature",
    "write_usage": "click's signature",
    "write_dl": "click's signature",
    "write_catalogue": "another source tree, for tests",
    "check_catalogue": "another source tree, for tests",
    "read_catalogue": "another file, for tests",
    "__call__": "called by the name of a variable",
}


@functools.cache
def modules() -> dict[Path, ast.Module]:
    """Every module of zoo/, parsed, by its path in there."""
    return {path.relative_to(ZOO): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ZOO.rglob("*.py"))}


def test_few_names_stand_at_the_top() -> None:
    names = {path.parts[0] for path in modules()} - {"__pycache__"}
    assert len(names) <= NAMES, sorted(names)


def test_no_folder_holds_more_modules_than_one_can_oversee() -> None:
    count: dict[str, int] = defaultdict(int)
    for path in modules():
        count[str(path.parent)] += path.name != "__init__.py"
    assert {folder: number for folder, number in count.items() if number > MODULES} == {}


def test_modules_are_short() -> None:
    lengths = {str(path): len((ZOO / path).read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {path: length for path, length in lengths.items() if length > LINES and path not in LONG} == {}


def test_a_public_name_stands_in_one_folder() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules().items():
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                places[node.name].add(str(path.parent))
    # A command is called as what it does.
    commands = {"cli/commands", "cli/commands/data", "cli/commands/measure"}
    found = {name: sorted(where - commands) for name, where in places.items() if len(where - commands) > 1}
    assert {name: where for name, where in found.items() if name not in TWICE} == {}


def test_engines_and_devices_are_known_by_name_in_their_own_modules_only() -> None:
    named = re.compile(r"PaddleBackend|isinstance\([^()]*Backend\)|[=!]= \"(?:paddle|gpu|npu|xpu|mlu)\"")
    found = [
        f"{path}:{number}"
        for path in modules()
        if path.parts[:2] != ("engine", "paddle")
        for number, line in enumerate((ZOO / path).read_text(encoding="utf-8").splitlines(), 1)
        if named.search(line)
    ]
    assert found == []


def test_a_module_name_stands_in_one_folder() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        if not path.stem.startswith("__"):
            places[path.stem].add(str(path.parent))
    commands = {"cli", "cli/commands", "cli/commands/data", "cli/commands/measure"}
    found = {stem: sorted(where) for stem, where in places.items() if len(where - commands) > 1}
    assert {stem: where for stem, where in found.items() if stem not in STEMS} == {}


def calls() -> Iterator[ast.Call]:
    for tree in itertools.chain(
        modules().values(),
        (ast.parse(path.read_text(encoding="utf-8")) for path in sorted((REPO / "plugins").rglob("*.py"))),
    ):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@functools.cache
def passed() -> dict[str, tuple[set[str], float]]:
    """By the name of what is called: the keywords that somebody passes, and the most arguments by position."""
    found: dict[str, tuple[set[str], float]] = {}
    for call in calls():
        function, arguments = call.func, call.args
        if _called(function) in ("partial", "submit", "run_with") and arguments:
            function, arguments = arguments[0], arguments[1:]
        name = _called(function)
        keywords, most = found.get(name, (set(), 0))
        if any(keyword.arg is None for keyword in call.keywords):
            most = float("inf")
        if any(isinstance(argument, ast.Starred) for argument in arguments):
            most = float("inf")
        keywords = keywords | {keyword.arg for keyword in call.keywords if keyword.arg}
        found[name] = keywords, max(most, len(arguments))
    return found


def documented() -> set[str]:
    """The words of all pages: what they name is for users, whether zoo itself passes it or not."""
    pages = [*(REPO / "docs").glob("*.md"), REPO / "README.md"]
    return {word for page in pages for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}


def _optional(function: ast.FunctionDef, method: bool) -> Iterator[tuple[str, int]]:
    """Yields the parameters with a default, and their place; -1 for those by keyword only."""
    arguments = function.args.posonlyargs + function.args.args
    first = len(arguments) - len(function.args.defaults)
    static = any(_called(decorator) == "staticmethod" for decorator in function.decorator_list)
    bound = method and not static
    yield from ((arguments[place].arg, place - bound) for place in range(first, len(arguments)))
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is not None:
            yield argument.arg, -1


def test_every_parameter_with_a_default_is_passed_by_somebody() -> None:
    words, unused = documented(), list[str]()
    for path, tree in modules().items():
        for node in ast.walk(tree):
            for function in getattr(node, "body", ()) if isinstance(node, (ast.Module, ast.ClassDef)) else ():
                if not isinstance(function, ast.FunctionDef):
                    continue
                name = node.name if isinstance(node, ast.ClassDef) and function.name == "__init__" else function.name
                if name in UNPASSED or path.parts[0] == "nn" or name in words:
                    continue
                keywords, most = passed().get(name, (set(), 0))
                for parameter, place in _optional(function, isinstance(node, ast.ClassDef)):
                    if parameter not in keywords and not (0 <= place < most) and most != float("inf"):
                        unused.append(f"{path}: {name}({parameter})")
    assert unused == []
