"""Collects the texts that `zoo` shows to people and keeps its Chinese catalogue in step with them.

    python tests/texts.py      writes zoo.po and zoo.mo anew; new texts are empty in zoo.po until they are translated

A text is the template of an error, a message, a note or a log line, or the help of a command or an option. click's own
texts are in click.po, for every version of click that zoo runs with.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from zoo import errors

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT / "zoo"
FOLDER = ZOO / "cli" / "locale" / "zh" / "LC_MESSAGES"

#: Calls whose first arguments are templates, and how many.
TEMPLATES = {name: 2 for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
TEMPLATES |= {
    **dict.fromkeys(("Message", "note", "alert", "tr", "loading", "echo_table", "malformed", "unreadable"), 1),
    "fault": 2,
}
LOG = ("debug", "info", "warning", "error", "exception")
_HEADER = b"""\
msgid ""
msgstr ""
"Language: zh\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


def sources() -> dict[str, str]:
    """Returns every module whose texts `zoo` shows, its own plugins' too, by its path."""
    own = [path for path in ZOO.rglob("*.py") if ZOO / "testing" not in path.parents]
    paths = sorted([*own, *ROOT.glob("plugins/*/zoo_*/**/*.py")])
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def texts(source: str) -> Iterator[str]:
    """Yields the texts in the source of a module."""
    tree = ast.parse(source)
    constants = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found = [text for argument in templates(node) for text in _literals(argument)]
            found += [
                text
                for word in node.keywords
                if word.arg in ("help", "typed")
                for text in _help(constants.get(ast.unparse(word.value), word.value))
            ]
        elif isinstance(node, ast.FunctionDef) and any(map(_makes_a_command, node.decorator_list)):
            found = paragraphs(ast.get_docstring(node) or "")
        else:
            found = []
        yield from (text for text in found if _has_words(text))


def _has_words(text: str) -> bool:
    """Whether a text is not the same in every language, as "{place}: {reason}" and the line of a shell are."""
    own = re.sub(r"\{\w+(!r)?(:(?=[^ ,;]))?|%[\d.]*[a-z]", "", text)
    return not text.startswith(("zoo ", "~/")) and bool(re.search("[A-Za-z]{2}|[,;:.?!](?!\\d)", own))


def templates(call: ast.Call) -> list[ast.expr]:
    """Returns the arguments of a call that are templates."""
    name = called(call.func)
    if name in LOG and isinstance(call.func, ast.Attribute) and "log" in ast.unparse(call.func.value).lower():
        return call.args[:1]
    return call.args[: TEMPLATES.get(name, 0)]


def paragraphs(text: str) -> list[str]:
    """Returns the texts of a help: paragraphs as one line, and each line of those that keep their lines."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        lines = [line.strip() for line in paragraph.strip("\n").split("\n")]
        found += lines[1:] if lines[0] == "\b" else [" ".join(lines)]
    return [line for line in found if line]


def called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    if isinstance(node, ast.Tuple):
        return [text for item in node.elts for text in _literals(item)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _help(node: ast.expr) -> list[str]:
    return [line for text in _literals(node) for line in paragraphs(text)]


def _makes_a_command(node: ast.expr) -> bool:
    """Returns whether a decorator makes the docstring of a function the help of a command."""
    own = isinstance(node, ast.Call) and any(word.arg == "help" for word in node.keywords)
    return isinstance(node, ast.Call) and called(node.func) in ("command", "group") and not own


def read(domain: str) -> Catalog:
    with (FOLDER / f"{domain}.po").open("rb") as file:
        return read_po(file, locale="zh", domain=domain)


def written(catalog: Catalog) -> bytes:
    """Returns the file of a catalogue, the same for the same texts."""
    file = BytesIO()
    write_po(file, catalog, width=110, omit_header=True, sort_output=True, no_location=True, ignore_obsolete=True)
    return _HEADER + file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Returns what `gettext` reads, the same for the same texts."""
    file = BytesIO()
    catalog = read_po(BytesIO(written(catalog)), locale="zh")
    catalog.creation_date = catalog.revision_date = datetime(2000, 1, 1, tzinfo=timezone.utc)
    write_mo(file, catalog)
    return file.getvalue()


def main() -> None:
    """Brings zoo.po up to date and compiles both catalogues."""
    old, new = read("zoo"), Catalog(locale="zh")
    for text in {text for source in sources().values() for text in texts(source)}:
        known = old.get(text)
        new.add(text, known.string if known else "")
    (FOLDER / "zoo.po").write_bytes(written(new))
    for domain, catalog in (("zoo", new), ("click", read("click"))):
        (FOLDER / f"{domain}.mo").write_bytes(compiled(catalog))
    missing = [message.id for message in new if message.id and not message.string]
    sys.stdout.write(f"{len(new)} texts, {len(missing)} not translated yet\n")


if __name__ == "__main__":
    main()
