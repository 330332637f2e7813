"""The page at `/`, in a real Chromium in front of a real server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from browser import chromium, pixels, until
from PIL import Image
from serving import Serving

from zoo.results import decode_mask
from zoo.results.formats.labelme import read_labelme

STREET = Path(__file__).resolve().parents[2] / "docs" / "street.jpg"


# A browser is on few machines: `make test-serve`.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[str]:
    with Serving("starter", "--workers", 1) as running:
        yield running.url("/")


@pytest.fixture
def guarded(zoo_home: object) -> Iterator[str]:
    with Serving("starter", "--workers", 1, ZOO_API_KEY="secret") as running:
        yield running.url("/")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Any, server: str) -> Iterator[Any]:
    yield from opened(browser, server)


def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page, of which nothing may come from elsewhere and nothing may go wrong unseen."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, **{"locale": "en-US", **options})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda line: (
            faults.append(line.text)
            if line.type == "error" and "the server responded" not in line.text and "net::ERR_FAILED" not in line.text
            else None
        ),
    )
    page.goto(address)
    page.wait_for_selector("#model option", state="attached")
    yield page
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith((address, "blob:"))] == []


def segmented(page: Any) -> None:
    page.wait_for_selector(".extra:not([hidden])", timeout=30_000)
    page.wait_for_selector("body[data-state=ready]")


@pytest.fixture
def street(page: Any) -> Any:
    page.set_input_files("#file", STREET)
    segmented(page)
    return page


@pytest.fixture(scope="module")
def document(server: str) -> dict[str, Any]:
    """What the API says of the same picture."""
    answer = requests.post(
        f"{server}v1/predict", data=STREET.read_bytes(), headers={"Accept": "application/json"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def colours(document: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    table = np.zeros((256, 3), np.uint8)
    for entry in document["classes"]:
        table[entry["value"]] = entry["color"]
    return table


def shown_pixels_are(page: Any, document: dict[str, Any]) -> None:
    seen = pixels(page, "overlay")
    assert np.array_equal(seen[..., :3], colours(document)[decode_mask(document)])
    assert (seen[..., 3] == 255).all()


def dropped(page: Any, kind: str, name: str, content: bytes) -> None:
    """Drops or pastes a file, as a browser tells of it."""
    page.evaluate(
        """([kind, name, letters]) => {
            const bytes = Uint8Array.from(atob(letters), letter => letter.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name, { type: "image/jpeg" }));
            const told = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(kind === "paste"
                ? new ClipboardEvent("paste", { ...told, clipboardData: carried })
                : new DragEvent("drop", { ...told, dataTransfer: carried }));
        }""",
        [kind, name, base64.b64encode(content).decode("ascii")],
    )


def test_a_chosen_picture_is_covered_by_the_mask_of_the_api(street: Any, document: dict[str, Any]) -> None:
    shown_pixels_are(street, document)
    assert street.text_content("#name") == "street.jpg"
    assert street.text_content("#size") == "1024 × 512"
    rows = street.locator("#legend button")
    assert rows.locator("em").all_text_contents() == [entry["name"] for entry in document["classes"]]
    assert rows.first.locator("span").text_content() == f"{document['classes'][0]['share']:.1%}"
    assert street.text_content("#status").startswith(f"{len(document['classes'])} classes in street.")
    assert re.search(r"\d ms$", street.text_content("#total"))


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(page: Any, document: dict[str, Any], kind: str) -> None:
    dropped(page, kind, "here.jpg", STREET.read_bytes())
    segmented(page)
    shown_pixels_are(page, document)
    assert page.text_content("#name") == "here.jpg"


def test_the_example_is_segmented(page: Any) -> None:
    page.get_by_role("button", name="Try it with an example").click()
    segmented(page)
    assert page.text_content("#name") == "example.jpg"


def test_a_picture_is_taken_with_the_camera(page: Any) -> None:
    page.get_by_role("button", name="Take a picture").click()
    until(lambda: page.evaluate("document.getElementById('video').videoWidth > 0"))
    page.get_by_role("button", name="Take it").click()
    segmented(page)
    assert page.text_content("#name") == "photo.jpg"
    assert page.evaluate("document.getElementById('video').srcObject") is None


def test_a_turned_photo_is_shown_as_it_was_held(page: Any, server: str, tmp_path: Path) -> None:
    photo = tmp_path / "turned.jpg"
    with Image.open(STREET) as picture:
        exif = picture.getexif()
        exif[0x0112] = 6
        picture.resize((200, 100)).save(photo, exif=exif)
    page.set_input_files("#file", photo)
    segmented(page)
    assert pixels(page, "overlay").shape == pixels(page, "picture").shape == (200, 100, 4)


def test_a_picture_that_the_browser_cannot_show_is_segmented_all_the_same(page: Any, tmp_path: Path) -> None:
    with Image.open(STREET) as picture:
        picture.resize((160, 80)).save(tmp_path / "scan.tif")
    page.set_input_files("#file", tmp_path / "scan.tif")
    segmented(page)
    assert pixels(page, "overlay").shape == (80, 160, 4)
    assert "cannot show such a file" in page.text_content("#alert")


def test_a_class_is_highlighted_from_both_sides(street: Any, document: dict[str, Any]) -> None:
    mask, first = decode_mask(document), document["classes"][0]
    row = street.locator(f"#legend button[data-value='{first['value']}']")
    row.hover()
    assert np.array_equal(pixels(street, "overlay")[..., 3] == 255, mask == first["value"])
    y, x = np.argwhere(mask == first["value"])[-1000].tolist()
    box = street.locator("#canvases").bounding_box()
    street.mouse.move(box["x"] + (x + 0.5) * box["width"] / 1024, box["y"] + (y + 0.5) * box["height"] / 512)
    assert street.locator("#legend li.on em").all_text_contents() == [first["name"]]
    assert street.text_content("#tip b") == first["name"]
    street.mouse.move(5, 5)
    assert street.locator("#legend li.on").count() == 0
    shown_pixels_are(street, document)
    row.press("Enter")
    street.mouse.move(5, 5)
    assert row.get_attribute("aria-pressed") == "true"


def test_opacity_and_comparison_follow_pointer_and_keys(street: Any) -> None:
    street.locator("#opacity").fill("30")
    assert street.locator("#overlay").evaluate("c => c.style.opacity") == "0.3"
    handle = street.get_by_role("slider", name="Before and after")
    handle.focus()
    handle.press("Home")
    assert street.locator("#overlay").evaluate("c => c.style.clipPath") == "inset(0px 0px 0px 0%)"
    handle.press("PageUp")
    assert handle.get_attribute("aria-valuenow") == "10"
    box = street.locator("#canvases").bounding_box()
    grip = handle.bounding_box()
    street.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    street.mouse.down()
    street.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    street.mouse.up()
    assert handle.get_attribute("aria-valuenow") == "80"
    assert handle.get_attribute("aria-valuetext") == "80 % without classes"


def test_the_arrow_keys_ask_for_the_class_of_a_point(street: Any, document: dict[str, Any]) -> None:
    street.locator("#canvases").focus()
    for _ in range(5):
        street.keyboard.press("ArrowDown")
    place = decode_mask(document)[256 + 5 * 20, 512]
    expected = next(entry["name"] for entry in document["classes"] if entry["value"] == place)
    assert street.text_content("#status") == expected


@pytest.mark.parametrize("kind", ["mask", "overlay", "json", "labelme"])
def test_every_form_is_downloaded_and_holds_the_mask(
    street: Any, document: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    with street.expect_download() as waiting:
        street.click(f"[data-save={kind}]")
    name = waiting.value.suggested_filename
    waiting.value.save_as(tmp_path / name)
    mask = decode_mask(document)
    if kind == "json":
        assert np.array_equal(decode_mask(json.loads((tmp_path / name).read_text("utf-8"))), mask)
    elif kind == "labelme":
        assert np.array_equal(read_labelme(tmp_path / name, labels_of(document)), mask)
    else:
        with Image.open(tmp_path / name) as saved:
            assert saved.size == (1024, 512)
            if kind == "mask":
                assert saved.mode == "P"
                assert np.array_equal(np.asarray(saved), mask)
                assert np.array_equal(np.asarray(saved.convert("RGB")), colours(document)[mask])
    assert name == {"json": "street.json", "labelme": "street_labelme.json"}.get(kind, f"street_{kind}.png")


def labels_of(document: dict[str, Any]) -> Any:
    from zoo.contract.labels import LabelSet

    names = document["labels"]
    return LabelSet("served", tuple(names), tuple((value, 0, 0) for value in range(len(names))))


def test_what_is_no_picture_is_told_in_a_sentence(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture at all")
    page.set_input_files("#file", tmp_path / "notes.txt")
    page.wait_for_selector("#alert:not([hidden])")
    assert page.text_content("#alert-fact") == "This file is no picture that the server can read."
    assert page.text_content("#alert-more")
    assert page.is_visible("#drop")


def test_a_server_that_is_gone_or_busy_is_told_and_tried_again(page: Any) -> None:
    page.route("**/v1/predict*", lambda route: route.abort())
    page.set_input_files("#file", STREET)
    page.wait_for_selector("#alert:not([hidden])")
    assert page.text_content("#alert-fact") == "The server does not answer."
    page.unroute("**/v1/predict*")
    page.route("**/v1/predict*", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body="busy"))
    page.get_by_role("button", name="Try again").click()
    page.locator("#alert-fact", has_text="The server is busy").wait_for()
    page.unroute("**/v1/predict*")
    page.get_by_role("button", name="Try again").click()
    segmented(page)
    assert page.is_hidden("#alert")


def test_an_answer_that_is_none_is_told(page: Any) -> None:
    bodies = [
        "<html>",
        "[]",
        '{"size": [1, 1], "mask": {"encoding": "rle", "values": [], "lengths": []}, "classes": []}',
    ]
    page.route("**/v1/predict*", lambda route: route.fulfill(status=200, body=bodies.pop()))
    while bodies:
        page.set_input_files("#file", STREET)
        page.locator("#alert-fact", has_text="The answer of the server is not understood.").wait_for()
        page.get_by_role("button", name="Close").click()


def test_a_key_is_asked_for_where_the_server_wants_one(browser: Any, guarded: str) -> None:
    for page in _at_the_door(browser, guarded):
        page.set_input_files("#file", STREET)
        page.wait_for_selector("#key-form:not([hidden])")
        assert page.text_content("#alert-fact") == "This server asks for a key."
        page.fill("#key", "wrong")
        page.get_by_role("button", name="Use it").click()
        page.locator("#alert-fact", has_text="does not know this key").wait_for()
        page.fill("#key", "secret")
        page.get_by_role("button", name="Use it").click()
        segmented(page)
        assert page.is_hidden("#key-form")


def _at_the_door(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def test_the_page_speaks_chinese(browser: Any, server: str) -> None:
    for page in opened(browser, server, locale="zh-CN"):
        assert page.text_content("#drop-title") == "把图片拖到这里"
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        page.set_input_files("#file", STREET)
        segmented(page)
        assert page.text_content("#status").startswith("street 中有")
        page.get_by_role("button", name="English").click()
        assert page.text_content("#legend-title") == "Classes"
        page.reload()
        page.wait_for_selector("#model option", state="attached")
        assert page.text_content("#drop-title") == "Drop a picture here"


@pytest.mark.parametrize(("scheme", "locale"), [("light", "zh-CN"), ("dark", "en-US")])
def test_it_fits_a_phone_in_light_and_dark(browser: Any, server: str, scheme: str, locale: str) -> None:
    for page in opened(browser, server, locale=locale, color_scheme=scheme):
        page.set_viewport_size({"width": 390, "height": 844})
        page.set_input_files("#file", STREET)
        segmented(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        lightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
        assert (int(lightness) > 128) == (scheme == "light")


def test_everything_that_can_be_used_has_a_name_and_enough_contrast(street: Any) -> None:
    nameless = street.evaluate(
        """() => [...document.querySelectorAll("button, select, input, [role=slider]")]
            .filter(item => item.checkVisibility() && !item.matches("[aria-hidden=true]"))
            .filter(item => !(item.getAttribute("aria-label") || item.labels?.length || item.textContent.trim()))
            .map(item => item.outerHTML)"""
    )
    assert nameless == []
    for scheme in ("light", "dark"):
        street.emulate_media(color_scheme=scheme)
        street.wait_for_timeout(200)
        assert [(words, round(found, 2)) for words, found in contrasts(street) if found < 4.5] == []


def contrasts(page: Any) -> list[tuple[str, float]]:
    """Returns the texts in sight with the contrast of their colour against what is behind, as WCAG 2 counts it."""
    found = page.evaluate(
        """() => {
            const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
            const behind = item => {
                for (let each = item; each; each = each.parentElement) {
                    const colour = numbers(getComputedStyle(each).backgroundColor);
                    if (colour.length === 3 || colour[3] > 0.9) return colour;
                }
                return [255, 255, 255];
            };
            return [...document.querySelectorAll("h1, h2, p, span, em, b, small, dt, dd, label, button, output")]
                .filter(item => item.checkVisibility({ opacityProperty: true }) && item.childElementCount === 0)
                .filter(item => item.textContent.trim() && !item.closest("#status, #over"))
                .map(item => [item.textContent, numbers(getComputedStyle(item).color), behind(item)]);
        }"""
    )
    return [(words, _contrast(ink, paper)) for words, ink, paper in found]


def _contrast(ink: list[float], paper: list[float]) -> float:
    def luminance(colour: list[float]) -> float:
        parts = [value / 255 for value in colour[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)
