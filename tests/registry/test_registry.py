"""Models are found by any of their names, and what is not installed is known with the command that installs it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from support import stock
from zoo.errors import DuplicateNameError, ModelNotFoundError, ModelNotInstalledError, PluginLoadError, RegistryError
from zoo.plugin import CITYSCAPES, Artifact, Embedded, Family, Metric, ModelCard
from zoo.registry import Discovery, Plugin, Registry
from zoo.registry.catalogue import Catalogue, CatalogueEntry
from zoo.registry.entry import Sort
from zoo.registry.models import _registry


def card(
    name: str, *aliases: str, miou: float | None = None, size: int | None = None, embedded: bool = False
) -> ModelCard:
    return ModelCard(
        name=name,
        summary="",
        labels=CITYSCAPES,
        dataset="cityscapes",
        license="MIT",
        weights=Embedded("x", "y") if embedded else Artifact(("https://example.com/x.tar",)),
        metrics=() if miou is None else (Metric("mIoU", miou, "cityscapes val"),),
        listed_size=size,
        aliases=aliases,
    )


def plugin(distribution: str, *cards: ModelCard, family: str = "") -> Plugin:
    name = distribution.rsplit("-", 1)[1]
    return Plugin(
        name, "zoo.models", distribution, "1.0", (Family(family or name, (family or name).title(), cards, api=1),)
    )


def catalogue(*names: str, distribution: str = "zoo-plugin-segformer") -> Callable[[], Catalogue]:
    entries = (
        CatalogueEntry(n, "segformer", "SegFormer", distribution, "ade20k", 150, miou=0.4, size=7) for n in names
    )
    value = Catalogue(tuple(entries))
    return lambda: value


LITE = plugin("zoo-plugin-lite", card("PP-LiteSeg-T", "pp_liteseg_stdc1", miou=0.73), card("PP-LiteSeg-B", miou=0.75))


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "SegFormer-B0",
        "segformer-b0",
        "SEGFORMER-B0",
        "SegFormer-B0 (slice)",
        "SegFormer-B0(slice)",
        "segformer_b0 (SLICE)",
        "SegFormer B0",
        " SegFormer-B0 ",
        "mit_b0",
    ],
)
def test_any_spelling_of_the_tutorial_finds_the_model(name: str) -> None:
    registry = Registry(Discovery((plugin("zoo-plugin-segformer", card("SegFormer-B0", "mit_b0")),)), catalogue())
    assert registry.find(name).card.name == "SegFormer-B0"


def test_the_tutorials_seaformer_without_a_blank_is_found() -> None:
    registry = Registry(Discovery((plugin("zoo-plugin-seaformer", card("SeaFormer_base")),)), catalogue())
    assert registry.find("SeaFormer_base(slice)").card.name == "SeaFormer_base"
    assert [entry.name for entry in registry.list_models("SeaFormer_base(slice)")] == ["SeaFormer_base"]


def test_separators_are_not_guessed_where_two_models_could_be_meant() -> None:
    registry = Registry(Discovery((plugin("zoo-plugin-x", card("net-s"), card("net_s")),)), catalogue())
    assert registry.find("NET-S").card.name == "net-s"
    assert registry.find("net_s").card.name == "net_s"
    with pytest.raises(ModelNotFoundError, match=r"No model is called 'net s'\. Did you mean net.s or net.s\?"):
        registry.find("net s")


def test_a_model_whose_plugin_is_not_installed_says_what_to_install() -> None:
    registry = Registry(Discovery((LITE,)), catalogue("SegFormer-B0"))
    with pytest.raises(ModelNotInstalledError) as caught:
        registry.find("segformer_b0 (slice)")
    assert str(caught.value) == (
        "SegFormer-B0 is known, but its plugin is not installed.\n"
        "Run in a clone of zoo: pip install ./plugins/zoo-plugin-segformer  (it is on no public index yet)"
    )
    entry = registry.describe("SegFormer-B0")
    assert (entry.status, entry.install, entry.card) == (
        "not installed",
        "pip install ./plugins/zoo-plugin-segformer",
        None,
    )


def test_a_model_nobody_knows_brings_up_to_three_suggestions() -> None:
    registry = Registry(Discovery((LITE,)), catalogue("PP-LiteSeg-X", "PP-LiteSeg-Y", "Deeplabv3-R50"))
    with pytest.raises(ModelNotFoundError) as caught:
        registry.find("PP-LiteSeg-Q")
    assert not isinstance(caught.value, ModelNotInstalledError)
    assert isinstance(caught.value, LookupError)
    assert caught.value.message.startswith("No model is called 'PP-LiteSeg-Q'. Did you mean PP-LiteSeg-")
    assert caught.value.message.count("PP-LiteSeg") == 4
    assert caught.value.hint == "Run: zoo list-models"
    with pytest.raises(ModelNotFoundError, match=r"^No model is called 'zzz'\.\n"):
        registry.find("zzz")


def test_an_installed_card_beats_the_catalogue() -> None:
    installed = plugin("zoo-plugin-segformer", card("SegFormer-B0", miou=0.9), family="segformer")
    registry = Registry(Discovery((installed,)), catalogue("segformer-b0"))
    (entry,) = registry.list_models()
    assert (entry.name, entry.miou, entry.dataset, entry.status) == ("SegFormer-B0", 0.9, "cityscapes", "installed")


def test_an_installed_model_is_found_without_reading_the_catalogue() -> None:
    def damaged() -> Catalogue:
        raise RegistryError("The catalogue is damaged.", "Repair it.")

    registry = Registry(Discovery((LITE,)), damaged)
    assert registry.find("PP-LiteSeg-T").family.name == "lite"
    with pytest.raises(RegistryError):
        registry.find("SegFormer-B0")


def test_a_plugin_that_is_too_old_for_a_model_is_to_be_upgraded() -> None:
    registry = Registry(Discovery((LITE,)), catalogue("PP-LiteSeg-XL", distribution="zoo_plugin.lite"))
    with pytest.raises(ModelNotInstalledError, match="does not bring it") as caught:
        registry.find("PP-LiteSeg-XL")
    assert caught.value.hint.startswith("Run in a clone of zoo: pip install --upgrade ./plugins/zoo_plugin.lite ")


def test_a_model_of_a_broken_or_disabled_plugin_says_so_instead_of_asking_for_what_is_installed() -> None:
    error = PluginLoadError("The plugin is broken: no luck.", "Run: something")
    broken = Plugin("s", "zoo.models", "zoo-plugin-segformer", "1.0", error=error)
    registry = Registry(Discovery((broken,)), catalogue("SegFormer-B0"))
    with pytest.raises(ModelNotInstalledError, match="is broken: The plugin is broken: no luck") as caught:
        registry.find("SegFormer-B0")
    assert caught.value.__cause__ is error
    assert registry.describe("SegFormer-B0").status == "plugin broken"

    disabled = Plugin("s", "zoo.models", "zoo-plugin-segformer", "1.0", disabled=True)
    registry = Registry(Discovery((disabled,)), catalogue("SegFormer-B0"))
    with pytest.raises(ModelNotInstalledError, match="ZOO_DISABLE_PLUGINS leaves out its plugin 's'"):
        registry.find("SegFormer-B0")
    assert registry.describe("SegFormer-B0").status == "plugin disabled"


def test_the_status_tells_embedded_cached_and_installed_apart(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "inference.yml").touch()
    stock(tmp_path, card("Kept"), folder)
    cards = (card("Inside", embedded=True), card("Kept"), card("Known"))
    registry = Registry(Discovery((plugin("zoo-plugin-x", *cards),)), catalogue())
    assert {entry.name: entry.status for entry in registry.list_models()} == {
        "Inside": "embedded",
        "Kept": "cached",
        "Known": "installed",
    }


def test_a_name_brought_twice_is_listed_twice_and_raises_when_used() -> None:
    twice = Discovery((plugin("zoo-plugin-a", card("Same"), card("Only")), plugin("zoo-plugin-b", card("same"))))
    registry = Registry(twice, catalogue())
    assert [(e.name, e.distribution, e.status) for e in registry.list_models()] == [
        ("Only", "zoo-plugin-a", "installed"),
        ("Same", "zoo-plugin-a", "name clash"),
        ("same", "zoo-plugin-b", "name clash"),
    ]
    for use in (registry.find, registry.describe):
        with pytest.raises(DuplicateNameError, match=r"zoo-plugin-a.*zoo-plugin-b"):
            use("Same")
    assert registry.find("Only").distribution == "zoo-plugin-a"


def test_asking_for_a_family_that_two_distributions_bring_is_an_error() -> None:
    twice = Discovery((plugin("zoo-plugin-a", card("A"), family="f"), plugin("zoo-plugin-b", card("B"), family="f")))
    registry = Registry(twice, catalogue())
    assert len(registry.list_models()) == 2
    with pytest.raises(DuplicateNameError, match="The family name 'f' is brought by"):
        registry.list_models(family="F")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ["PP-LiteSeg-B", "PP-LiteSeg-T", "SegFormer-B0", "SegFormer-B1"]),
        ("segformer*", ["SegFormer-B0", "SegFormer-B1"]),
        ("*-[bt]", ["PP-LiteSeg-B", "PP-LiteSeg-T"]),
        ("*-b?", ["SegFormer-B0", "SegFormer-B1"]),
        ("PP_LITESEG_STDC1", ["PP-LiteSeg-T"]),
        ("", []),
        ("segformer", []),
    ],
)
def test_patterns_are_globs_on_names_and_aliases_in_any_letter_case(pattern: str, names: list[str]) -> None:
    registry = Registry(Discovery((LITE,)), catalogue("SegFormer-B0", "SegFormer-B1"))
    assert [entry.name for entry in registry.list_models(pattern)] == names


def test_filters_narrow_the_listing() -> None:
    registry = Registry(Discovery((LITE,)), catalogue("SegFormer-B0"))

    def names(**filters: str | bool) -> list[str]:
        return [entry.name for entry in registry.list_models(**filters)]

    assert names(family="SEGFORMER") == names(dataset="ADE20K") == names(installed=False) == ["SegFormer-B0"]
    assert (
        names(family="Lite") == names(dataset="cityscapes") == names(installed=True) == ["PP-LiteSeg-B", "PP-LiteSeg-T"]
    )
    assert names(family="Lite", installed=False) == []


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["a", "B", "c", "d"]),
        ("miou", ["B", "a", "c", "d"]),
        ("size", ["c", "B", "a", "d"]),
        ("dataset", ["d", "a", "B", "c"]),
        ("family", ["d", "a", "B", "c"]),
    ],
)
def test_the_listing_is_sorted_as_asked_with_unknown_figures_last(sort: Sort, names: list[str]) -> None:
    cards = (card("c", size=1), card("a", miou=0.5), card("B", miou=0.75, size=2))
    offered = CatalogueEntry("d", "aaa", "AAA", "zoo-plugin-aaa", "ade20k", 150)
    registry = Registry(Discovery((plugin("zoo-plugin-x", *cards),)), lambda: Catalogue((offered,)))
    assert [entry.name for entry in registry.list_models(sort=sort)] == names


def test_an_unknown_sort_key_is_refused() -> None:
    with pytest.raises(ValueError, match="sort is 'speed'; expected one of name, family, miou, size, dataset"):
        Registry(Discovery(), catalogue()).list_models(sort="speed")


def test_what_is_wrong_with_a_plugin_is_logged_once_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    error = PluginLoadError("The plugin 'x' of zoo-plugin-x 1.0 could not be loaded: OSError: no luck.", "hint")
    discovery = Discovery((Plugin("x", "zoo.models", "zoo-plugin-x", "1.0", error=error),))
    with caplog.at_level(logging.WARNING, "zoo"):
        assert _registry(discovery) is _registry(discovery)
    assert [record.getMessage() for record in caplog.records] == [
        f"{error.message} Other plugins go on working; see: zoo plugins"
    ]
