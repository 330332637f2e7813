"""Which model suits one's own pictures: limits, the Pareto front, why one is first, its picture, the command."""

from __future__ import annotations

import io
import json
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from PIL import Image

from scenes import draw_scene
from support import ARCHIVE, zoo_process
from zoo.bundle.bundle import Bundle
from zoo.cli.options import Duration, Share
from zoo.engine.trial import forget_trials
from zoo.errors import ConfigError, DecodeError, ModelNotFoundError
from zoo.learn.picture_files import picture_files
from zoo.learn.recommendation import Demands, Recommendation, Suggested, recommend
from zoo.learn.recommendation.front_chart import front_chart
from zoo.learn.recommendation.limits import cost_missed, miou_missed
from zoo.learn.recommendation.model_cost import Cost, CostSubject, keep_cost, kept_cost
from zoo.learn.recommendation.offers import Offer, licence_name, offers
from zoo.learn.recommendation.pareto import Point, dominates, dominator
from zoo.learn.recommendation.reasons import why_first
from zoo.learn.report.ink import SERIES
from zoo.message import Message


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    (folder / "more").mkdir()
    for number in range(7):
        place = folder / "more" if number % 2 else folder
        Image.fromarray(draw_scene(number, 48, 64 + 8 * number).image).save(place / f"{number}.png")
    return folder


def offered(bundle: Bundle, name: str = "small", **more: object) -> Offer:
    """A model that a folder stands for: what is measured is found by its name."""
    known = {"dataset": "seven", "measured_on": "seven val", "miou": 0.5, "licence": "CC0"}
    return Offer(**{"name": name if name != "small" else str(bundle.folder), **known, **more})  # pyright: ignore[reportArgumentType]


def test_a_model_is_on_the_front_where_no_other_is_as_good_in_everything_and_better_in_something() -> None:
    dice = random.Random(3)
    for _ in range(200):
        points = [
            Point(
                f"m{number}",
                dice.choice("ab"),
                dice.choice((0.5, 0.6, 0.7)),
                dice.choice((1.0, 2.0, 3.0)),
                10 * dice.randint(1, 3),
            )
            for number in range(7)
        ]
        for number, point in enumerate(points):
            better = [
                other
                for other in points
                if other.measured_on == point.measured_on
                and (other.miou or 0) >= (point.miou or 0)
                and other.latency <= point.latency
                and other.memory <= point.memory
                and (other.miou, other.latency, other.memory) != (point.miou, point.latency, point.memory)
            ]
            above = dominator(points, number)
            assert (above is None) == (not better)
            if above is not None:
                assert points[above] in better
                # What it is below is on the front itself.
                assert dominator(points, above) is None


def test_models_of_different_datasets_are_never_below_each_other() -> None:
    good, bad = Point("good", "a val", 0.9, 0.01, 10), Point("bad", "b val", 0.1, 1.0, 1000)
    assert not dominates(good, bad)
    assert dominates(good, replace(bad, measured_on="a val"))


def test_a_limit_that_is_missed_says_by_how_much() -> None:
    limits = Demands(latency=0.05, memory=100_000_000, miou=0.7)
    assert miou_missed(limits, 0.7) == ()
    assert cost_missed(limits, 0.05, 100_000_000) == ()
    (low,) = miou_missed(limits, 0.63)
    assert low.text == "its mIoU is 63.00 %, 7.00 points below the 70.00 % of --min-miou"
    assert low.share == pytest.approx(0.1)
    slow, large = cost_missed(limits, 0.06, 150_000_000)
    assert slow.text == "a picture takes 60.0 ms, 10.0 ms more than the 50.0 ms of --max-latency"
    assert large.text == "it takes 150 MB of memory, 50 MB more than the 100 MB of --max-memory"
    (unknown,) = miou_missed(limits, None)
    assert "publishes no mIoU" in unknown.text


def test_the_first_is_told_with_what_the_fastest_would_cost() -> None:
    best, quick = Point("best", "city val", 0.8, 0.4, 900_000_000), Point("quick", "city val", 0.7, 0.1, 300_000_000)
    assert why_first(best, [quick], fastest=False) == (
        "best is first: of 2 it has the highest mIoU, 80.00 % (city val), at 400.0 ms a picture; quick, the fastest, "
        "takes 100.0 ms and has 70.00 %."
    )
    assert "it is the fastest, 100.0 ms a picture with 70.00 %; best has 80.00 %" in why_first(quick, [best], True)
    assert "no other model of city val was measured" in why_first(best, [], fastest=False)


def test_the_name_of_a_licence_stands_before_its_cautions() -> None:
    assert licence_name("CC BY-NC 4.0: the weights were trained on CamVid; see NOTICE. The code is Apache-2.0.") == (
        "CC BY-NC 4.0"
    )
    assert licence_name("Apache-2.0") == "Apache-2.0"
    not_stated = licence_name("Not stated by the publisher for the weights (the code they come with is Apache-2.0).")
    assert not_stated == "Not stated by the publisher for the weights"


def test_models_are_offered_by_name_dataset_and_licence(zoo_home: Path) -> None:
    assert [one.name for one in offers(["starter"])] == ["starter"]
    everything = offers()
    absent = next(one for one in everything if one.name == "SegFormer-B0")
    assert absent.command == "zoo download SegFormer-B0"
    assert not next(one for one in everything if one.name == "starter").absent
    # The code of the others is under that licence, which is not theirs.
    with pytest.raises(ConfigError, match="No model has the licence Apache"):
        offers(licences=["Apache-2.0"])
    assert [one.name for one in offers(licences=["cc by nc*"])] == ["starter"]
    assert {one.dataset for one in offers(dataset="ADE20K")} == {"ade20k"}
    with pytest.raises(ConfigError, match="camvid"):
        offers(dataset="coco")
    with pytest.raises(ModelNotFoundError, match="starter"):
        offers(["startr"])


def test_only_pictures_that_are_files_are_measured_on_each_once(pictures: Path, tmp_path: Path) -> None:
    found = picture_files([str(pictures), str(pictures / "0.png")])
    assert [Path(path).name for path in found] == ["0.png", "2.png", "4.png", "6.png", "1.png", "3.png", "5.png"]
    with pytest.raises(DecodeError):
        picture_files([str(tmp_path / "gone.png")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(Exception, match="picture"):
        picture_files([str(tmp_path / "empty")])


def test_what_was_measured_is_kept_for_the_same_sizes_and_no_others(
    home: Path, bundle: Bundle, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    about = [
        offered(bundle),
        offered(bundle, "gone", absent="its files are not on this machine", command="zoo download gone"),
    ]
    told: list[tuple[str, int, int]] = []
    found = recommend(about, [str(pictures)], Demands(), threads=1, report=lambda *each: told.append(each))
    assert told == [(str(bundle.folder), 0, 1)]
    row, missing = found.rows
    assert row.front
    assert row.cost is not None
    assert not row.kept
    assert 0 < row.cost.latency < 60
    assert row.cost.memory > 50_000_000
    assert (found.pictures, found.unread) == (5, ())
    assert missing.absent
    assert missing.hint == "Run: zoo download gone"
    # Nothing is measured again: the same figures to the last digit.
    again = recommend(about, [str(pictures)], Demands(latency=1e-9, miou=0.1), threads=1)
    assert again.rows[0].cost == row.cost
    assert again.rows[0].kept
    assert not again.firsts
    assert "of --max-latency" in again.nearest


def test_a_measurement_is_about_one_machine_engine_and_size_and_a_damaged_one_is_none(home: Path) -> None:
    subject = CostSubject("program", "cpu", "processor", "", ("paddle 3.2.2",), 2, ((48, 64), (64, 48)))
    cost = Cost(0.0123, 1.5, 123_456_789, "paddle 3.2.2, 2 threads", "float32")
    keep_cost(subject, cost)
    assert kept_cost(subject) == cost
    for other in ({"sizes": ((48, 64),)}, {"threads": 1}, {"versions": ("paddle 3.2.3",)}, {"processor": "another"}):
        assert kept_cost(replace(subject, **other)) is None  # pyright: ignore[reportArgumentType]
    subject.record().write_bytes(subject.record().read_bytes()[:-9])
    assert kept_cost(subject) is None
    keep_cost(subject, cost)
    # As of `zoo cache rm --trials`.
    forget_trials()
    assert kept_cost(subject) is None


def row(name: str, miou: float, latency: float, dataset: str = "city val", **more: Any) -> Suggested:
    offer = Offer(name, "city", dataset, miou, "CC0")
    return Suggested(offer, Cost(latency, 1.0, 10**8, "paddle", "float32"), **more)


def test_the_picture_shows_the_front_the_first_and_the_limits() -> None:
    rows = (row("best", 0.8, 0.4, front=True), row("quick", 0.6, 0.1, front=True), row("poor", 0.5, 0.3, below="quick"))
    found = Recommendation(rows, {"city val": ("best", Message("it is"))}, "", 5, (), "cpu", 1)

    def colors(limits: Demands) -> Counter[tuple[int, ...]]:
        with Image.open(io.BytesIO(front_chart(found, limits))) as picture:
            assert picture.format == "PNG"
            return Counter(map(tuple, np.asarray(picture.convert("RGB")).reshape(-1, 3).tolist()))

    free, bound = colors(Demands()), colors(Demands(latency=0.2))
    # The front is a line of two models and all between them, and the line of a limit crosses the whole panel.
    assert free[SERIES[0]] > 600
    assert free[SERIES[1]] > 30
    assert bound[SERIES[1]] > free[SERIES[1]] + 300
    two = replace(found, rows=(*rows, row("other", 0.7, 0.2, "town val", front=True)))
    with (
        Image.open(io.BytesIO(front_chart(two, Demands()))) as larger,
        Image.open(io.BytesIO(front_chart(found, Demands()))) as one,
    ):
        assert larger.height == 2 * one.height


@pytest.mark.parametrize(("text", "seconds"), [("50ms", 0.05), ("0.5s", 0.5), ("1 S", 1.0), ("2.5 ms", 0.0025)])
def test_a_time_has_its_unit(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["50", "ms", "0ms", "-5ms", "5 min", ""])
def test_a_time_without_its_unit_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 50ms"):
        Duration().convert(text, None, None)


def test_a_share_is_a_fraction_or_a_percentage() -> None:
    assert Share().convert("70%", None, None) == Share().convert(".7", None, None) == pytest.approx(0.7)
    for text in ("70", "x", "-0.1", "101%"):
        with pytest.raises(click.BadParameter, match=r"such as 0\.7 or 70%"):
            Share().convert(text, None, None)


# Several models, each in a process: `make test-all`.
@pytest.mark.full
def test_the_command_measures_what_is_here_fetches_what_it_may_and_names_the_rest(
    home: Path, pictures: Path, official_archive: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / Path(ARCHIVE).name).write_bytes(official_archive)
    monkeypatch.setenv("ZOO_MIRROR", str(mirror))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    words = ["recommend", "--images", pictures, "--threads", 1, "-o", tmp_path / "front.png"]
    alone = zoo_process(*words)
    assert alone.returncode == 0, alone.stderr
    assert "first" in alone.stdout
    assert "PP-LiteSeg-T" not in alone.stdout
    assert re.search(r"zoo download .*PP-LiteSeg-T", alone.stderr)
    done = zoo_process(*words, "--download", "PP-LiteSeg-T", "starter", "SegFormer-B0", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    by_name = {model["model"]: model for model in document["models"]}
    assert by_name["starter"]["kept"]
    assert by_name["PP-LiteSeg-T"]["latency_seconds"] > 0
    assert "SegFormer-B0" in by_name
    assert by_name["SegFormer-B0"]["not_measured"]
    # Cityscapes and CamVid do not compare.
    assert {each["model"] for each in document["first"]} == {"starter", "PP-LiteSeg-T"}
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
    none = zoo_process("recommend", "starter", "--images", pictures, "--threads", 1, "--max-memory", "1M")
    assert none.returncode == 1
    assert re.search(r"The nearest is starter: it takes \d+ MB of memory, \d+ MB more than the 1 MB", none.stderr)
    unit = zoo_process("recommend", "--images", pictures, "--max-latency", "50")
    assert unit.returncode == 2
    assert "50ms" in unit.stderr
