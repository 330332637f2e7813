"""The files of the page, without a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from zoo.serve.page import assets
from zoo.serve.page.assets import HEADERS, page_file, page_paths

STATIC = Path(assets.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))


def test_every_file_is_served_with_its_type_and_nothing_else_is() -> None:
    assert page_paths()[0] == "/"
    assert {path.name for path in STATIC.iterdir()} == {
        "index.html",
        *(path.removeprefix("/page/") for path in page_paths()[1:]),
    }
    for path in page_paths():
        file = page_file(path)
        assert file is not None
        assert file.body
        assert file.media_type.startswith(("text/", "image/"))
        assert re.fullmatch(r'"[0-9a-f]{32}"', file.etag)
    for path in ("/page/../assets.py", "/page/", "/page/index.html", "/page/%2e%2e/assets.py", "", "/etc/hostname"):
        assert page_file(path) is None


def test_the_policy_lets_nothing_in_from_elsewhere_and_no_code_out_of_the_page() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    page = (STATIC / "index.html").read_text("utf-8")
    assert re.findall(r"<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:", page) == []
    for path in [*SCRIPTS, STATIC / "index.html", STATIC / "style.css"]:
        words = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", words) == [], (
            path
        )


def test_all_texts_are_there_in_both_languages() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node reads the texts, and is not on this machine")
    # The file's own objects: a second reader of JavaScript would be none of ours.
    source = (STATIC / "texts.js").read_text("utf-8").split("const languages")[0]
    done = subprocess.run(
        [node, "-e", f"{source}\nconsole.log(JSON.stringify([en, zh]));"], capture_output=True, text=True, check=True
    )
    english, chinese = json.loads(done.stdout)
    assert list(english) == list(chinese)
    for name, words in english.items():
        assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", chinese[name])), name
        assert not words.isascii() or words != chinese[name] or name == "save.json.more", name
    page = (STATIC / "index.html").read_text("utf-8")
    used = set(re.findall(r'data-(?:text|label)="([\w.]+)"', page))
    used |= {name for script in SCRIPTS for name in re.findall(r'\btext\("([\w.]+)"', script.read_text("utf-8"))}
    assert used - set(english) == set()
    assert {name for name in english if not name.startswith(("error.", "stage.", "status.done"))} - used == set()


def test_what_stands_in_the_page_is_the_english_text() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    english = (STATIC / "texts.js").read_text("utf-8").split("const zh")[0]
    texts = dict(re.findall(r'^  "?([\w.]+)"?: "(.*)",$', english, re.MULTILINE))
    for name, words in re.findall(r'data-text="([\w.]+)"[^>]*>([^<]*)<', page):
        assert words == texts[name], name
