"""The documentation as a site: built strictly, then read as a browser would, without a network.

    python -m release.site [--output FOLDER]

`make docs` runs it in an environment that has what it needs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from release.errors import ReleaseError, require
from release.run import run

TREE = Path(__file__).resolve().parents[1]
PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp")
#: What a browser fetches by itself, by element and attribute. Links to other places are for people, who click them.
_FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("input", "src"),
    ("use", "href"),
    ("link", "href"),
    ("form", "action"),
}
#: Kinds of <link> that a browser does nothing with.
_SAID = {"canonical", "prev", "next", "alternate"}
_IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
_OUTSIDE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


class _Page(HTMLParser):
    """Collects what a page refers to.

    Attributes:
        fetched: Addresses that a browser fetches when it shows the page.
        links: Addresses of its links, also those to translations.
        pictures: Addresses of the pictures it shows.
        names: What a link can lead to in the page.
        policy: Its Content-Security-Policy.
        untranslated: Whether it says that it stands in for a translation.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.names: set[str] = set()
        self.policy = ""
        self.untranslated = False
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Looks at an element."""
        said = {name: value or "" for name, value in attrs}
        self._style = tag == "style"
        self.names |= {said[key] for key in ("id", "name") if said.get(key)}
        self.untranslated |= "data-untranslated" in said
        if tag == "meta" and said.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = said.get("content", "")
        self.fetched += [one or other for one, other in _IN_CSS.findall(said.get("style", ""))]
        if tag == "img":
            self.pictures.append(said.get("src", ""))
        if tag == "a" or (tag == "link" and set(said.get("rel", "").split()) & _SAID):
            self.links += [said["href"]] if "href" in said else []
            return
        for name, value in said.items():
            if (tag, name) in _FETCHED:
                self.fetched += [one.split()[0] for one in value.split(",")] if name == "srcset" else [value]

    def handle_data(self, data: str) -> None:
        """Looks at the text of a style."""
        if self._style:
            self.fetched += [one or other for one, other in _IN_CSS.findall(data)]


def build_site(output: Path) -> None:
    """Builds the site; a warning of mkdocs is an error.

    Raises:
        ReleaseError: mkdocs has something to complain of.
    """
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", output.resolve()]
    run(*words, at=TREE, environ={"NO_MKDOCS_2_WARNING": "1"})


def faults_of_site(site: Path, docs: Path) -> list[str]:
    """Returns what a reader of a built site would miss.

    Args:
        site: The folder of the built site.
        docs: The folder it was built from.

    Returns:
        What is fetched from other hosts, what references lead to nothing, which pages allow other hosts, which pictures
        of `docs` are on no page of a language, which pages are in no search.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    faults = [fault for path, page in pages.items() for fault in _faults_of_page(site, path, page, pages)]
    for path in sorted(site.rglob("*.css")):
        found = [one or other for one, other in _IN_CSS.findall(path.read_text(encoding="utf-8"))]
        faults += [f"{path.relative_to(site)}: {fault}" for fault in _faults_of_fetched(site, path, found)]
    return faults + _faults_of_pictures(site, docs, pages) + _faults_of_search(site, pages)


def _faults_of_page(site: Path, path: Path, page: _Page, pages: Mapping[Path, _Page]) -> Iterator[str]:
    name = path.relative_to(site)
    if "default-src 'self'" not in page.policy or _OUTSIDE.search(page.policy):
        yield f"{name}: its policy does not keep the browser from other hosts: {page.policy!r}"
    for fault in _faults_of_fetched(site, path, page.fetched):
        yield f"{name}: {fault}"
    for link in page.links:
        if _OUTSIDE.match(link) or link.startswith("mailto:"):
            continue
        target = _place(site, path, link)
        if not target.is_file():
            yield f"{name}: leads to {link}, which is not there"
        # Names of other alphabets are written in percent in links. That of the skip link is made by the theme.
        elif target in pages and unquote(urlsplit(link).fragment) not in {"", "__skip", *pages[target].names}:
            yield f"{name}: leads to {link}, where there is no such place"


def _faults_of_fetched(site: Path, path: Path, addresses: list[str]) -> Iterator[str]:
    for address in addresses:
        if address.startswith(("data:", "#")):
            continue
        if _OUTSIDE.match(address):
            yield f"fetches {address} from another host"
        elif not _place(site, path, address).is_file():
            yield f"fetches {address}, which is not there"


def _place(site: Path, path: Path, address: str) -> Path:
    """Returns the file that an address in a file leads to."""
    parts = urlsplit(address)
    if not parts.path:
        return path
    start = site if parts.path.startswith("/") else path.parent
    place = (start / unquote(parts.path).lstrip("/")).resolve()
    return place / "index.html" if place.is_dir() else place


def _faults_of_pictures(site: Path, docs: Path, pages: Mapping[Path, _Page]) -> list[str]:
    """Every picture of the documentation is shown or led to, in every language."""
    there = {(site / path.relative_to(docs)).resolve() for path in docs.rglob("*") if path.suffix in PICTURES}
    faults: list[str] = []
    for language in ("en", "zh"):
        ours = {path: page for path, page in pages.items() if _language(site, path) == language}
        used = {_place(site, path, one) for path, page in ours.items() for one in (*page.pictures, *page.links)}
        faults += [f"no page in {language} has the picture {path.name}" for path in sorted(there - used)]
    return faults


def _faults_of_search(site: Path, pages: Mapping[Path, _Page]) -> list[str]:
    """Every page is found in its own language; what stands in for a translation is found as the English page it is."""
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    faults = [
        f"the search does not know the language {each}" for each in ("en", "zh") if each not in index["config"]["lang"]
    ]
    texts: dict[str, str] = {}
    for entry in index["docs"]:
        place = entry["location"].partition("#")[0]
        texts[place] = f"{texts.get(place, '')} {entry['title']} {entry['text']}"
    for path, page in pages.items():
        place = path.relative_to(site).as_posix().removesuffix("index.html")
        if place == "404.html" or page.untranslated:
            continue
        if place not in texts:
            faults.append(f"the search does not find {place or 'the front page'}")
        # Chinese has no spaces: words are found only if they were parted when the index was made.
        elif _language(site, path) == "zh" and not re.search(r"[\u4e00-\u9fff]\u200b[\u4e00-\u9fff]", texts[place]):
            faults.append(f"the search finds no words in {place}, only sentences")
    return faults


def _language(site: Path, path: Path) -> str:
    return "zh" if path.relative_to(site).parts[0] == "zh" else "en"


def main() -> None:
    """Builds the site and checks it."""
    parser = argparse.ArgumentParser(prog="python -m release.site", description="Build and check the site.")
    parser.add_argument("--output", type=Path, default=TREE / "build" / "site", help="the folder of the site")
    output = parser.parse_args().output
    try:
        build_site(output)
        require("the site is not whole", faults_of_site(output.resolve(), TREE / "docs"))
    except ReleaseError as error:
        print(f"Not built: {error.step}", *(f"  {fault}" for fault in error.faults), sep="\n", file=sys.stderr)
        raise SystemExit(1) from None
    pages = sorted(path.relative_to(output).as_posix() for path in output.rglob("index.html"))
    chinese = [each for each in pages if each.startswith("zh/")]
    print(f"{output}: {len(pages) - len(chinese)} pages in English, {len(chinese)} in Chinese; nothing of another host")


if __name__ == "__main__":
    main()
