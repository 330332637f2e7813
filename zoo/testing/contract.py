"""What every family plugin must keep, as tests an author inherits.

    from zoo.testing import FamilyContract

    class TestFcn(FamilyContract):
        entry_point = "fcn"

Run with pytest where the plugin is installed. Families with a network also need paddle. What has to be computed is
computed with the smallest network of each family, or with the even smaller one that `tiny` returns; with
ZOO_TEST_FULL=1 with all of them at full size.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.contract.refs import resolve
from zoo.contract.spec import Artifact, Embedded, Family, ModelCard, Normalize
from zoo.registry.discovery import discover
from zoo.registry.found import Discovery, Plugin
from zoo.registry.names import fold
from zoo.segment.transforms import preprocess

#: Modules that importing a plugin must not load.
HEAVY = ("numpy", "PIL", "cv2", "requests", "pydantic", "yaml", "paddle")

_SIZES = ((64, 96), (49, 67))


class FamilyContract:
    """The contract of a family plugin. Subclass it and name the entry point.

    Attributes:
        entry_point: Name of the entry point in the group `zoo.models`.
        num_classes: Class count the networks are built with here.
    """

    entry_point: ClassVar[str]
    num_classes: ClassVar[int] = 7

    def tiny(self, card: ModelCard, num_classes: int) -> Any | None:
        """Builds a network like that of a model, but as small as its design allows. Override it where tests are slow.

        Args:
            card: The model: the smallest of its family.
            num_classes: Number of classes.

        Returns:
            A `paddle.nn.Layer` of the card's output stride, or None to take the model's own network.
        """
        return None

    @cached_property
    def plugin(self) -> Plugin:
        """The plugin under test, as discovery found it."""
        found = [plugin for plugin in self._discovery.plugins if plugin.name == self.entry_point]
        assert len(found) == 1, f"{len(found)} entry points are called {self.entry_point!r}; install the plugin once"
        assert found[0].error is None, str(found[0].error)
        return found[0]

    @property
    def cards(self) -> list[tuple[Family, ModelCard]]:
        """Every card with its family."""
        return [(family, card) for family in self.plugin.families for card in family.cards]

    @property
    def _discovery(self) -> Discovery:
        return discover("zoo.models")

    def test_the_plugin_is_discovered_and_brings_cards(self) -> None:
        """The entry point loads and there is at least one model."""
        assert self.cards

    def test_importing_the_plugin_loads_nothing_heavy(self) -> None:
        """Listing models must not wait for an array library or an engine."""
        code = (
            "import importlib, sys\n"
            "from importlib.metadata import entry_points\n"
            f"[point] = entry_points(group='zoo.models', name={self.entry_point!r})\n"
            "point.load()\n"
            f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ended.stdout.split() == []

    def test_names_are_unique(self) -> None:
        """No other plugin and no other card has one of the names."""
        assert self._discovery.problems(self.plugin) == ()
        names = Counter(fold(name) for _, card in self.cards for name in {fold(n) for n in (card.name, *card.aliases)})
        assert [name for name, count in names.items() if count > 1] == []

    def test_cards_hold_sensible_facts(self) -> None:
        """Figures have the right scale and a source, files an address or a place."""
        for _, card in self.cards:
            assert card.summary, f"{card.name} has no summary"
            assert card.license, f"{card.name} does not state the licence of its weights"
            assert all(0 < metric.value <= 1 for metric in card.metrics), f"{card.name}: metrics are fractions of 1"
            assert all(metric.source for metric in card.metrics), f"{card.name}: every metric names its source"
            assert all(latency.milliseconds > 0 and latency.hardware for latency in card.latencies)
            assert card.output_stride >= 1
            for artifact in (card.weights, card.pretrained):
                if isinstance(artifact, Artifact):
                    assert artifact.urls, f"{card.name} names an artifact without an address"
                    assert all(url.startswith("https://") for url in artifact.urls), f"{card.name}: https only"

    def test_preprocessing_makes_an_input(self) -> None:
        """The steps run on a picture of odd size and end with Normalize."""
        image = np.random.default_rng(0).integers(0, 256, (53, 77, 3), np.uint8)
        for _, card in self.cards:
            assert isinstance(card.preprocess[-1], Normalize)
            tensor, geometry = preprocess(image, card.preprocess)
            assert tensor.dtype == np.float32
            assert tensor.shape == (3, *geometry.padded)
            assert geometry.source == (53, 77)

    def test_every_model_can_be_run_or_built(self) -> None:
        """A family without a network must carry its exported models."""
        for family, card in self.cards:
            assert family.network or isinstance(card.weights, Embedded), f"{card.name}: no network, no embedded bundle"

    def test_embedded_models_open_and_segment(self) -> None:
        """What lies inside the package is whole and has the classes the card says."""
        from zoo.predict.load import load

        image = np.random.default_rng(0).integers(0, 256, (53, 77, 3), np.uint8)
        for _, card in self.cards:
            if isinstance(card.weights, Embedded):
                with load(card.name, threads=1) as model:
                    assert model.bundle.labels == card.labels
                    assert model.bundle.preprocess == card.preprocess
                    result = model.predict(image).one()
                assert result.mask.shape == (53, 77)
                assert result.mask.max() < len(card.labels)

    def test_self_tests_are_passed(self) -> None:
        """The picture inside the package gives the mask beside it, as `zoo doctor MODEL` asks for."""
        from zoo.doctor import self_test

        for _, card in self.cards:
            if card.self_test is not None and isinstance(card.weights, Embedded):
                result = self_test(card.name)
                assert result.state == "ok", result.message

    def test_networks_return_logits_at_the_output_stride(self) -> None:
        """Also at odd sizes; and two pictures together give what each gives alone."""
        for family, card in self._with_network():
            network = self._network(family, card)
            network.eval()
            for height, width in _SIZES:
                batch = np.random.default_rng(1).standard_normal((2, 3, height, width)).astype(np.float32)
                together = _forward(network, batch)[0]
                stride = card.output_stride
                assert together.shape == (2, self.num_classes, -(-height // stride), -(-width // stride)), card.name
                alone = np.concatenate([_forward(network, batch[i : i + 1])[0] for i in range(2)])
                scale = max(1e-6, float(np.abs(alone).max()))
                assert np.abs(together - alone).max() / scale < 1e-4, f"{card.name}: a batch changes its members"

    def test_the_network_stride_is_the_one_that_divides(self) -> None:
        """Sides that are multiples of it divide at every strided convolution; half of them leave a rest at one."""
        for family, card in self._with_network():
            network, stride = self._network(family, card), card.network_stride
            network.eval()
            side = stride * (64 // stride | 1)
            assert stride % card.output_stride == 0, f"{card.name}: network_stride is no multiple of output_stride"
            assert not _rests(network, side), f"{card.name}: network_stride is larger than {stride}"
            assert stride % 2 or _rests(network, side // 2), f"{card.name}: network_stride is less than {stride}"

    def test_networks_have_the_declared_number_of_parameters(self) -> None:
        """Counted on the network as the card describes it."""
        for family, card in self._with_network():
            if card.parameters is not None:
                network = resolve(family.network)(card.name, len(card.labels), 3)
                counted = sum(int(np.prod(value.shape)) for value in network.parameters() if not value.stop_gradient)
                assert counted == card.parameters, card.name

    def test_networks_do_the_declared_number_of_multiply_accumulates(self) -> None:
        """Counted on the inference form for one 512x1024 picture."""
        from zoo.nn.count import count_macs

        for family, card in self._with_network():
            if card.gmac is not None:
                network = resolve(family.network)(card.name, len(card.labels), 3)
                form = network.for_inference() if hasattr(network, "for_inference") else network
                assert round(count_macs(form, 512, 1024) / 1e9, 2) == card.gmac, card.name

    def test_the_inference_form_is_equivalent(self) -> None:
        """What `for_inference` returns, where a network has it, gives the same logits."""
        for family, card in self._with_network():
            network = self._network(family, card)
            network.eval()
            build = getattr(network, "for_inference", None)
            if build is None:
                continue
            form = build()
            form.eval()
            for height, width in _SIZES:
                batch = np.random.default_rng(3).standard_normal((1, 3, height, width)).astype(np.float32)
                expected, found = _forward(network, batch)[0], _forward(form, batch)[0]
                assert np.abs(found - expected).max() / np.abs(expected).max() < 1e-5, card.name

    def test_a_checkpoint_of_the_network_fits_it(self, tmp_path: Path) -> None:
        """Saved by paddle, read without running anything, put back by name and shape."""
        import paddle

        from zoo.learn.networks import build_network

        for family, card in self._with_network()[:1]:
            network = resolve(family.network)(card.name, self.num_classes, 3)
            paddle.save(network.state_dict(), str(tmp_path / "model.pdparams"))
            loaded = build_network(card.name, self.num_classes, weights=tmp_path / "model.pdparams")
            state = network.state_dict()
            assert all(
                np.array_equal(value.numpy(), state[name].numpy()) for name, value in loaded.state_dict().items()
            )

    def test_recipes_fit_the_networks(self) -> None:
        """As many losses as outputs in training, a parameter for every group, sensible numbers and a source."""
        from zoo.contract.recipe import Recipe
        from zoo.learn.training.optimizer import assign_groups

        for family, card in self._with_network():
            if family.recipe:
                recipe = resolve(family.recipe)(card.name)
                assert isinstance(recipe, Recipe)
                assert min(recipe.iterations, recipe.schedule.learning_rate) > 0
                assert recipe.source, f"{card.name}: the recipe names no source"
                network = self._network(family, card)
                assign_groups(network, recipe.groups)
                network.train()
                batch = np.random.default_rng(2).standard_normal((2, 3, 64, 64)).astype(np.float32)
                assert len(_forward(network, batch)) == len(recipe.losses), card.name

    def test_the_smallest_network_survives_the_export(self, tmp_path: Path) -> None:
        """Exported, opened by the engine, compared with the network."""
        from zoo.contract.labels import LabelSet, distinct_palette
        from zoo.learn.export import export_bundle

        for family, card in self._with_network()[:1]:
            bundle = export_bundle(
                self._network(family, card),
                tmp_path / "bundle",
                model=card.name,
                labels=LabelSet("test", tuple(map(str, range(self.num_classes))), distinct_palette(self.num_classes)),
                preprocess=card.preprocess,
                output_stride=card.output_stride,
                network_stride=card.network_stride,
            )
            assert bundle.model == card.name

    def _with_network(self) -> list[tuple[Family, ModelCard]]:
        """The smallest network of every family; all of them where the environment says ZOO_TEST_FULL=1."""
        built = [(family, card) for family, card in self.cards if family.network]
        if _full():
            return built
        smallest: dict[str, tuple[Family, ModelCard]] = {}
        for family, card in sorted(built, key=lambda pair: pair[1].parameters or 0):
            smallest.setdefault(family.name, (family, card))
        return list(smallest.values())

    def _network(self, family: Family, card: ModelCard) -> Any:
        import paddle

        paddle.seed(0)
        tiny = None if _full() else self.tiny(card, self.num_classes)
        return resolve(family.network)(card.name, self.num_classes, 3) if tiny is None else tiny


def _full() -> bool:
    return os.environ.get("ZOO_TEST_FULL") == "1"


def _rests(network: Any, side: int) -> list[str]:
    """Returns the convolutions whose stride leaves a rest where the network gets a square of this side."""
    from paddle import nn

    found: list[str] = []

    def look(layer: Any, inputs: tuple[Any, ...]) -> None:
        found.extend(layer.full_name() for axis, by in enumerate(layer._stride, 2) if inputs[0].shape[axis] % by)

    layers: list[Any] = [layer for layer in network.sublayers() if isinstance(layer, nn.Conv2D)]
    for layer in layers:
        layer.register_forward_pre_hook(look)
    _forward(network, np.zeros((1, 3, side, side), np.float32))
    return found


def _forward(network: Any, batch: np.ndarray) -> list[np.ndarray]:
    import paddle

    with paddle.no_grad():
        return [output.numpy() for output in network(paddle.to_tensor(batch))]
