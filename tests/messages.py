"""Collects the English texts that `zoo` shows to people, for zoo/cli/messages.

    python tests/messages.py        write en.json and names.json anew, and give zh.json its keys

names.json says which values of a template are names, which stay as they are. New keys of zh.json are empty until
somebody translates them; tests/test_language.py names them. A key that no text has any more is dropped.

A text is every string of the source that reads like words, with {0}, {1} for the values in it: errors, hints, reasons
inside them, notes, log lines, help. Left out are docstrings (but not those of commands), annotations, patterns, and
what `zoo` never shows.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ZOO = Path(__file__).resolve().parents[1] / "zoo"
MESSAGES = ZOO / "cli" / "messages"

#: Not shown by `zoo`: test-kits, a generated page of documentation.
_ELSEWHERE = ("testing/", "registry/page.py")
#: At the top of these, strings are class names.
_NAMES = ("labels/",)
#: Calls whose strings are no texts.
_CODE = {
    "Formatter",
    "cast",
    "compile",
    "filterwarnings",
    "fullmatch",
    "match",
    "search",
    "split",
    "strftime",
    "sub",
    "TextColumn",
    "TypeVar",
}
#: Raised for mistakes in programs, which end in a traceback.
_MISTAKES = {"AssertionError", "AttributeError", "NotImplementedError"}
#: Beginnings of what zoo writes into files.
_MADE = ("# ", "<", "DIGESTS: ")
_LOG = {"debug", "info", "warning", "error", "exception"}

#: Headings of `zoo --help`.
HEADINGS = ("Use", "Models", "Upkeep", "Developers")

#: What click says, in the versions zoo runs with.
CLICK = (
    "Usage:",
    "Options",
    "Commands",
    "Arguments",
    "Positional arguments",
    "required",
    "default: {0}",
    "env var: {0}",
    "(dynamic)",
    "(DEPRECATED)",
    "Show this message and exit.",
    "Show the version and exit.",
    "Error: {0}",
    "Aborted!",
    "Try '{0} {1}' for help.",
    "Did you mean {0}?",
    "(Did you mean one of: {0}?)",
    "(Possible options: {0})",
    "Missing command.",
    "Missing argument {0}.",
    "Missing option {0}.",
    "Missing parameter {0}.",
    "Missing argument {0}. {1}",
    "Missing option {0}. {1}",
    "Missing parameter: {0}",
    "Choose from:",
    "No such command {0}.",
    "No such option {0}.",
    "No such option: {0}",
    "Invalid value: {0}",
    "Invalid value for {0}: {1}",
    "Got unexpected extra argument ({0})",
    "Got unexpected extra arguments ({0})",
    "Option {0} requires an argument.",
    "Option {0} requires {1} arguments.",
    "Option {0} does not take a value.",
    "Argument {0} takes {1} values.",
    "Takes {0} values but 1 was given.",
    "Takes {0} values but {1} were given.",
    "{0} values are required, but {1} was given.",
    "{0} values are required, but {1} were given.",
    "{0} is not one of {1}.",
    "{0} is not in the range {1}.",
    "{0} is not a valid integer.",
    "{0} is not a valid float.",
    "{0} is not a valid integer range.",
    "{0} is not a valid float range.",
    "{0} is not a valid boolean. Recognized values: {1}",
    "File {0} does not exist.",
    "Directory {0} does not exist.",
    "Path {0} does not exist.",
    "File {0} is a directory.",
    "Directory {0} is a file.",
    "Path {0} is not readable.",
    "Shell completion is not supported for Bash versions older than 4.4.",
)

#: What the operating system says of files, and how Python words it.
SYSTEM = (
    "[Errno {0}] {1}",
    "[Errno {0}] {1}: {2}",
    "Cannot allocate memory",
    "Connection refused",
    "Connection reset by peer",
    "Device or resource busy",
    "Directory not empty",
    "Disk quota exceeded",
    "File exists",
    "File name too long",
    "File too large",
    "Input/output error",
    "Invalid argument",
    "Is a directory",
    "Network is unreachable",
    "No such file or directory",
    "No space left on device",
    "Not a directory",
    "Operation not permitted",
    "Permission denied",
    "Read-only file system",
    "Too many levels of symbolic links",
    "Too many open files",
)


def templates() -> dict[str, list[int]]:
    """Returns every text of this source tree, of click and of the operating system, sorted, and its names' numbers."""
    found: dict[str, set[int]] = {text: set() for text in (*HEADINGS, *CLICK, *SYSTEM)}
    for path in sorted(ZOO.rglob("*.py")):
        place = path.relative_to(ZOO).as_posix()
        if not place.startswith(_ELSEWHERE):
            for text in texts(path.read_text(encoding="utf-8"), names_at_the_top=place.startswith(_NAMES)):
                key, names = without_marks(text)
                found.setdefault(key, set()).update(names)
    return {key: sorted(found[key]) for key in sorted(found)}


def without_marks(text: str) -> tuple[str, set[int]]:
    """Returns a template as a key, and the numbers of its values that are names."""
    return text.replace(":name}", "}"), {int(number) for number in re.findall(r"\{(\d+):name\}", text)}


def texts(source: str, names_at_the_top: bool = False) -> Iterator[str]:
    """Yields the texts in the source of a module."""
    tree = ast.parse(source)
    _Cutter(names_at_the_top).visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) in _LOG and node.args:
            node.args[0] = _log_line(node.args[0])
    for text in _Collector().collected(tree):
        for paragraph in re.split(r"\n\s*\n", text):
            for line in _lines(paragraph):
                if _reads_like_words(line) and not line.startswith(_MADE):
                    yield line


def _lines(paragraph: str) -> list[str]:
    """Returns the lines of a text; what is wrapped in the middle of a sentence is one line, as help is shown."""
    lines = [line.strip() for line in paragraph.strip().split("\n")]
    if lines[0] != "\b":
        lines = re.sub(r"(?<![.:?!}])\n", " ", "\n".join(lines)).split("\n")
    # What click adds to the help of an option, or what an option says in the same way.
    return [line.partition("  [")[0] for line in lines]


class _Cutter(ast.NodeTransformer):
    """Takes out of a tree what holds no texts for people."""

    def __init__(self, names_at_the_top: bool) -> None:
        self._names_at_the_top = names_at_the_top

    def visit(self, node: ast.AST) -> ast.AST | None:
        if isinstance(node, ast.Call) and _called(node.func) in _CODE | _MISTAKES:
            return ast.Constant(None)
        if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and _called(node.test) == "TYPE_CHECKING"):
            return ast.Pass()
        if isinstance(node, ast.Subscript) and _called(node.value) == "Literal":
            return ast.Constant(None)
        if isinstance(node, ast.Compare):
            node.left, *node.comparators = [_without_text(each) for each in (node.left, *node.comparators)]
        if isinstance(node, ast.Call) and _called(node.func) == "join" and isinstance(node.func, ast.Attribute):
            node.func.value = _without_text(node.func.value)
        if isinstance(node, ast.AnnAssign) and _called(node.annotation) == "TypeAlias":
            return ast.Pass()
        if isinstance(node, (ast.AnnAssign, ast.arg)):
            node.annotation = ast.Constant(None)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = self._body(node)
        return self.generic_visit(node)

    def _body(self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        body = node.body
        # A string that stands alone is a docstring.
        if not (isinstance(node, ast.FunctionDef) and any(map(_makes_a_command, node.decorator_list))):
            body = [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
        if isinstance(node, ast.Module) and self._names_at_the_top:
            body = [each for each in body if isinstance(each, (ast.ClassDef, ast.FunctionDef))]
        return body or [ast.Pass()]


class _Collector:
    """Finds the outermost texts of a tree, then those in the values of each."""

    def collected(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)) and (pieces := _pieces(node)):
            for choice in itertools.islice(itertools.product(*pieces), 64):
                yield _numbered("".join(choice))
            for value in _values(node):
                yield from self.collected(value)
        else:
            for child in ast.iter_child_nodes(node):
                yield from self.collected(child)


#: A value, and one that is a name: of a file, a class, a model. Names are never translated.
_VALUE, _NAME = "\0", "\1"
#: How names are called in the source, and what makes them fit to be printed.
_NAMED = re.compile(r"_?(\w*_)?(name|names|path|shown|uri|url|file|folder|target|source|place|title|source_name|what)")
_TEXTS = ("error", "reason", "fault", "fact", "told", "problem")
_PRINTING = {"printable", "_shown", "shown", "safe_stem", "relpath", "basename", "_file"}


def _pieces(node: ast.AST) -> list[list[str]]:
    """Returns the parts of a text, each with its choices; nothing if the node is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [[node.value]]
    if isinstance(node, ast.JoinedStr):
        return [choices for part in node.values for choices in _pieces(part)]
    if isinstance(node, ast.FormattedValue):
        return [[_NAME] if _is_name(node) else _choices(node.value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [(_pieces(side), side) for side in (node.left, node.right)]
        if any(pieces for pieces, _ in sides):
            return [choices for pieces, side in sides for choices in pieces or [_choices(side)]]
    return []


def _is_name(node: ast.FormattedValue) -> bool:
    value = node.value
    if isinstance(value, ast.Call) and _called(value.func) in _PRINTING:
        # What the system says of a file is a text, and zoo's own errors are.
        return not any(word in ast.unparse(value) for word in _TEXTS)
    return node.conversion == ord("r") or bool(_NAMED.fullmatch(_called(value)))


def _choices(node: ast.expr) -> list[str]:
    """Returns the two texts of `a if b else c`, or one value."""
    if isinstance(node, ast.IfExp):
        both = [_pieces(node.body), _pieces(node.orelse)]
        if all(both):
            return ["".join(choice) for pieces in both for choice in itertools.product(*pieces)]
    return [_VALUE]


def _values(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _inner(part.value)
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            yield from _values(side) if _pieces(side) else _inner(side)


def _inner(node: ast.expr) -> Iterator[ast.AST]:
    """Yields what may hold further texts; the two of `a if b else c` are part of the text around it."""
    if isinstance(node, ast.IfExp) and len(_choices(node)) > 1:
        yield from itertools.chain(_values(node.body), _values(node.orelse))
    else:
        yield node


def _numbered(text: str) -> str:
    numbers = itertools.count()
    return re.sub("[\0\1]", lambda match: f"{{{next(numbers)}{':name' if match[0] == _NAME else ''}}}", text)


def _without_text(node: ast.expr) -> ast.expr:
    return ast.Constant(None) if isinstance(node, (ast.Constant, ast.JoinedStr)) else node


def _log_line(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.Constant(re.sub(r"%[\d.]*[a-z]", _VALUE, node.value))
    return node


def _reads_like_words(text: str) -> bool:
    words = re.findall(r"(?<![\w/.=:{'\"-])[A-Za-z]?[a-z]+(?![\w/=(]|\.\w|://)", re.sub(r"\{\d+(:name)?\}", "0", text))
    words = [word for word in words if len(word) > 1 or word == "a"]
    return " " in text and (len(words) > 1 or any(len(word) > 3 for word in words))


def _called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _makes_a_command(node: ast.expr) -> bool:
    """Returns whether a decorator makes the docstring of a function the help of a command."""
    own = isinstance(node, ast.Call) and any(keyword.arg == "help" for keyword in node.keywords)
    return isinstance(node, ast.Call) and _called(node.func) in ("command", "group") and not own


def main() -> None:
    """Writes both files."""
    english = templates()
    path = MESSAGES / "zh.json"
    chinese = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write(MESSAGES / "en.json", list(english))
    write(MESSAGES / "names.json", {key: names for key, names in english.items() if names})
    write(path, {key: chinese.get(key, "") for key in english})
    missing = [key for key in english if not chinese.get(key)]
    sys.stdout.write(f"{len(english)} texts, {len(missing)} not translated yet\n")


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
