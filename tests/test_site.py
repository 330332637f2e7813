"""The documentation as a site: whole, in two languages, found by its search, and without anything of another host."""

from __future__ import annotations

import contextlib
import functools
import http.server
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium, until

from release.site import build_site, faults_of_site

REPO = Path(__file__).resolve().parents[1]
_POLICY = "<meta http-equiv=Content-Security-Policy content=\"default-src 'self'\">"
_NEEDED = ("mkdocs", "material", "mkdocs_static_i18n", "jieba")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "street.jpg").write_bytes(b"")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of one page in both languages, as mkdocs lays it out."""
    folder = tmp_path / "site"
    (folder / "zh").mkdir(parents=True)
    (folder / "search").mkdir()
    (folder / "style.css").write_text("h1 { background: url(street.jpg) }")
    (folder / "street.jpg").write_bytes(b"")
    shown = '<h1 id=one>x</h1><img src="{up}street.jpg"><a href="#one">x</a>'
    page = '{policy}<link rel=stylesheet href="{up}style.css">' + shown
    (folder / "index.html").write_text(page.format(policy=_POLICY, up=""))
    (folder / "zh" / "index.html").write_text(page.format(policy=_POLICY, up="../"))
    entries = [("", "zoo", "street"), ("zh/", "入门", "街景\u200b图片")]
    index = [{"location": place, "title": title, "text": text} for place, title, text in entries]
    (folder / "search" / "search_index.json").write_text(json.dumps({"config": {"lang": ["en", "zh"]}, "docs": index}))
    return folder


def test_a_whole_site_has_no_faults(site: Path, docs: Path) -> None:
    assert faults_of_site(site, docs) == []


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ('<script src="https://cdn.example/a.js"></script>', "fetches https://cdn.example/a.js from another host"),
        ('<link rel="preconnect" href="//fonts.example">', "fetches //fonts.example from another host"),
        (
            "<style>@import 'https://f.example/a.css'</style>",
            "fetches https://f.example/a.css from another host",
        ),
        ('<p style="background: url(http://x.example/a.png)">', "fetches http://x.example/a.png from another host"),
        (
            '<img srcset="street.jpg 1x, https://x.example/b 2x">',
            "fetches https://x.example/b from another host",
        ),
        ('<img src="gone.png">', "fetches gone.png, which is not there"),
        ('<a href="gone/">x</a>', "leads to gone/, which is not there"),
        ('<a href="zh/#two">x</a>', "leads to zh/#two, where there is no such place"),
    ],
)
def test_what_a_page_lacks_or_asks_of_another_host_is_named(site: Path, docs: Path, added: str, fault: str) -> None:
    page = site / "index.html"
    page.write_text(page.read_text() + added)
    assert faults_of_site(site, docs) == [f"index.html: {fault}"]


def test_links_for_people_may_lead_to_other_hosts(site: Path, docs: Path) -> None:
    page = site / "index.html"
    page.write_text(page.read_text() + '<a href="https://x.example/">x</a>')
    assert faults_of_site(site, docs) == []


def test_fonts_of_another_host_in_a_style_are_named(site: Path, docs: Path) -> None:
    (site / "style.css").write_text('@font-face { src: url("https://fonts.example/a.woff2") }')
    assert faults_of_site(site, docs) == ["style.css: fetches https://fonts.example/a.woff2 from another host"]


def test_a_page_that_would_let_a_browser_go_elsewhere_is_named(site: Path, docs: Path) -> None:
    page = site / "zh" / "index.html"
    page.write_text(page.read_text().replace("default-src 'self'", "default-src 'self' https://x.example"))
    [fault] = faults_of_site(site, docs)
    assert fault.startswith("zh/index.html: its policy does not keep the browser from other hosts")


def test_a_picture_that_is_on_no_page_of_a_language_is_named(site: Path, docs: Path) -> None:
    page = site / "zh" / "index.html"
    page.write_text(page.read_text().replace("<img", "<br"))
    (docs / "unused.png").write_bytes(b"")
    assert faults_of_site(site, docs) == [
        "no page in en has the picture unused.png",
        "no page in zh has the picture street.jpg",
        "no page in zh has the picture unused.png",
    ]


def test_what_the_search_does_not_find_is_named(site: Path, docs: Path) -> None:
    index = site / "search" / "search_index.json"
    whole = index.read_text()
    index.write_text(whole.replace('"en", "zh"', '"en"').replace("\\u200b", ""))
    assert faults_of_site(site, docs) == [
        "the search does not know the language zh",
        "the search finds no words in zh/, only sentences",
    ]
    index.write_text(whole.replace('"zh/"', '"zh/other/"'))
    assert faults_of_site(site, docs) == ["the search does not find zh/"]


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of docs/, in a folder of a server's root."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install -e .[docs]")
    root = tmp_path_factory.mktemp("root")
    build_site(root / "zoo")
    return root / "zoo"


@pytest.mark.full
def test_the_documentation_is_built_strictly_and_whole(documentation: Path) -> None:
    assert faults_of_site(documentation, REPO / "docs") == []


@pytest.mark.full
def test_each_page_is_there_in_chinese_or_says_that_it_is_english(documentation: Path) -> None:
    pages = {path.relative_to(REPO / "docs") for path in REPO.glob("docs/**/*.md") if "examples" not in path.parts}
    translated = {path.with_name(path.name.replace(".zh.", ".")) for path in pages if path.name.endswith(".zh.md")}
    assert {Path("index.md"), Path("own-data.md")} <= translated
    for page in {path for path in pages if not path.name.endswith(".zh.md")}:
        place = Path() if page.name == "index.md" else page.with_suffix("")
        chinese = (documentation / "zh" / place / "index.html").read_text(encoding="utf-8")
        english = (documentation / place / "index.html").read_text(encoding="utf-8")
        assert ("本页尚无中文版" in chinese, "本页尚无中文版" in english) == (page not in translated, False), page


@pytest.mark.full
def test_a_browser_searches_in_both_languages_and_asks_no_other_host(documentation: Path) -> None:
    with serving(documentation.parent) as address, chromium() as browser:
        page = browser.new_page(locale="en")
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("response", lambda one: complaints.append(f"{one.status} {one.url}") if one.status >= 400 else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for place, word, found in (
            ("", "calibration", "Engines"),
            ("zh/", "虚拟环境", "入门"),
            ("zh/", "轮廓", "照片"),
        ):
            page.goto(f"{address}/zoo/{place}")
            shown = page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth > 0)")
            assert shown, place
            assert all(shown), place
            page.click(".md-search__input")
            page.keyboard.type(word)
            page.wait_for_selector(".md-search-result__link", timeout=60_000)
            until(lambda title=found: title in page.inner_text(".md-search-result__list").replace("\u200b", ""))
        page.goto(f"{address}/zoo/engines/")
        page.evaluate("document.querySelector('.md-select__link[hreflang=zh]').click()")
        page.wait_for_url(f"{address}/zoo/zh/engines/")
        assert "本页尚无中文版" in page.inner_text("[data-untranslated]")
        page.evaluate("document.querySelector('.md-select__link[hreflang=en]').click()")
        page.wait_for_url(f"{address}/zoo/engines/")
    assert complaints == []
    assert {url.split("/zoo/")[0] for url in asked if not url.startswith(("data:", "blob:"))} == {address}


@contextlib.contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serves a folder to this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *said: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
