"""The page of a comparison in a real Chromium: the slider between two models, and where they differ."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import chromium
from numpy.typing import NDArray
from PIL import Image

from scenes import draw_scene
from support import export_small
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet
from zoo.learn.comparison import Compared, Contender, compare_models
from zoo.learn.comparison.compare_page import compare_page

# A browser is on few machines, and each side is a process: `make test-all`.
pytestmark = pytest.mark.full

SIZE = (96, 128)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def compared(
    browser: Any, engines: Path, bundle: Bundle, seven_labels: LabelSet, tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    """The same network twice; the second has other colours and two names changed, so that they differ there."""
    folder = tmp_path_factory.mktemp("page")
    names = list(seven_labels.names)
    names[1], names[3] = names[3], names[1]
    other = export_small(
        folder / "other", replace(seven_labels, names=tuple(names), palette=seven_labels.palette[::-1])
    )
    Image.fromarray(draw_scene(0, *SIZE).image).save(folder / "street.png")
    (folder / "run").mkdir()
    contenders = [Contender("one", str(bundle.folder)), Contender("two", str(other.folder))]
    return compare_models(contenders, folder / "run", sources=[str(folder / "street.png")], load_options={"threads": 1})


@pytest.fixture
def page(browser: Any, compared: Compared, tmp_path: Path) -> Iterator[Any]:
    """The page, which asks for nothing and in which nothing goes wrong unseen."""
    (tmp_path / "page.html").write_text(compare_page(compared, "one and two", str), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1000, "height": 1600})
    shown = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    shown.goto((tmp_path / "page.html").as_uri())
    yield shown
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def seen(page: Any) -> NDArray[np.int16]:
    """What a person sees of the picture, (96, 128, 3)."""
    with Image.open(io.BytesIO(page.locator(".stack > img").first.screenshot())) as shot:
        return np.asarray(shot.convert("RGB")).astype(np.int16)[: SIZE[0], : SIZE[1]]


def alike(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The share of the pixels that look the same; a picture may lie between two pixels of the screen."""
    return float((np.abs(one - other).max(axis=-1) <= 8).mean())


def inner(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those pixels of a region that have only it around them."""
    padded = np.pad(where, 1)
    around = [np.roll(padded, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return np.logical_and.reduce(around)[1:-1, 1:-1]


def test_every_mask_lies_exactly_over_its_picture(page: Any) -> None:
    page.get_by_label("Where they differ").check()
    boxes = [image.bounding_box() for image in page.locator(".stack > img").all()]
    assert len(boxes) == 4
    assert all(box in (boxes[0], None) for box in boxes)
    assert (boxes[0]["width"], boxes[0]["height"]) == (SIZE[1], SIZE[0])


def slide(page: Any, value: int) -> None:
    slider = page.locator(".pair input[type=range]")
    slider.fill(str(value))
    assert slider.input_value() == str(value)


def test_the_border_between_two_models_moves_with_the_slider(page: Any, compared: Compared) -> None:
    first, second = (np.asarray(Image.open(file)) for file in compared.pictures[0].masks)
    # The values are those of one network; the colours tell the sides apart.
    assert np.array_equal(first, second)
    page.locator("#left").select_option("0")
    page.locator("#right").select_option("0")
    one = seen(page)
    page.locator("#left").select_option("1")
    page.locator("#right").select_option("1")
    two = seen(page)
    page.locator("#left").select_option("0")
    for border in (25, 75):
        slide(page, border)
        found, column = seen(page), SIZE[1] * border // 100
        assert alike(found[:, : column - 2], one[:, : column - 2]) > 0.99
        assert alike(found[:, column + 2 :], two[:, column + 2 :]) > 0.99
        assert alike(found[:, : column - 2], two[:, : column - 2]) < 0.9
    # The keyboard moves it too.
    page.locator(".pair input[type=range]").press("Home")
    assert page.locator(".pair img.side").first.evaluate("side => side.style.clipPath").startswith("inset(0px 100%")


def test_the_pixels_that_differ_are_red_where_they_are_asked_for(page: Any, compared: Compared) -> None:
    mask = np.asarray(Image.open(compared.pictures[0].masks[0]))
    differs = np.isin(mask, (1, 3))
    assert 0 < differs.mean() < 1
    plain = seen(page)
    page.get_by_label("Where they differ").check()
    marked = seen(page)
    red = np.array((230, 0, 60)) * 0.8 + plain * 0.2
    assert alike(marked[inner(differs)], red[inner(differs)]) > 0.99
    assert alike(marked[inner(~differs)], plain[inner(~differs)]) > 0.99
    page.get_by_label("Where they differ").uncheck()
    assert alike(seen(page), plain) == 1
