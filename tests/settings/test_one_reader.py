"""There is one reader of documents from outside, and one checker."""

from __future__ import annotations

import ast
from pathlib import Path

ZOO = Path(__file__).resolve().parents[2] / "zoo"

#: Who parses text without the reader, and why.
EXCEPTIONS = {
    "engine/trial.py": "it talks to a child of its own",
    "learn/run/kept/run_log.py": "the log of a run, a line an iteration, which it wrote itself",
    "learn/run/together/launched.py": "it talks to children of its own",
    "learn/delivery/delivered.py": "the number of a checkpoint, which it wrote itself; a damaged one is made anew",
    "learn/comparison/compare_models.py": "it talks to children of its own",
    "learn/comparison/one_side.py": "it is such a child",
    "learn/convert/openvino.py": "it talks to a child of its own",
    "results/encode.py": "the first bytes of a file of results, however large it is, say whose result it holds",
    "program/pir.py": "a program of paddle is no document of ours: megabytes, checked by its structure",
}


def parsers(source: str) -> set[str]:
    """Returns what a module uses to parse YAML or JSON."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {
                alias.name for alias in node.names if alias.name.split(".")[0] in ("yaml", "simplejson", "tomllib")
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name.startswith(("yaml.", "json.load", "json.JSONDecoder"))}
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in ("json.loads", "json.load", "json.JSONDecoder"):
            found.add(ast.unparse(node))
    return found


def test_text_from_outside_is_parsed_in_settings_only() -> None:
    modules = {path.relative_to(ZOO).as_posix(): path.read_text(encoding="utf-8") for path in ZOO.rglob("*.py")}
    using = {name for name, source in modules.items() if parsers(source)}
    assert {name for name in using if not name.startswith(("settings/", "base/"))} == set(EXCEPTIONS)
    assert {name for name in using if name.startswith("settings/")} == {
        "settings/json_text.py",
        "settings/yaml_text.py",
    }


def test_every_way_to_parse_is_seen() -> None:
    assert parsers("import yaml") == parsers("def f():\n    import yaml") == {"yaml"}
    assert parsers("from yaml import safe_load") == {"yaml.safe_load"}
    assert parsers("import json\njson.loads('1')") == parsers("from json import loads") == {"json.loads"}
    assert parsers("import json\njson.dumps(1)") == set()
