"""What int8 needs to know of a program: the range of numbers in each layer, by NNCF, and the layers to leave exact.

Some layers do not bear 8 bits: the first and the last ones of a network as a rule, but not only they. So each group of
layers is tried alone, and those that change the output most stay exact until the masks are as wanted.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.plugin import BackendError, Calibration, CalibrationPictures, Layer, Program
from zoo_backend_openvino.int8 import KINDS, layers, quantize, unusable

# The command line shows what it says while it lasts.
_log = logging.getLogger("zoo.engine.trial")
#: Most groups of layers that are tried alone, and inputs they are tried on.
_GROUPS, _TRIED_ON = 64, 2
# More pictures than anybody gives; NNCF takes 300 by itself.
_ALL = 1 << 20

Run = Callable[[NDArray[np.float32]], NDArray[Any]]
Open = Callable[[Any], Run]


def calibrate(
    library: Any, nncf: Any, model: Any, opened: Open, program: Program, pictures: CalibrationPictures
) -> Calibration:
    """Finds what int8 needs to know of a program. The same pictures give the same.

    Args:
        library: OpenVINO.
        nncf: NNCF.
        model: The program as OpenVINO read it.
        opened: Compiles a model.
        program: The program.
        pictures: What it is calibrated on.

    Raises:
        BackendError: Nothing in the program could compute in int8, its weights or what goes into its layers are no
            numbers, or its masks are not kept even by the smallest part of it.
    """
    if bad := next(unusable(model), None):
        raise BackendError(
            "{program} cannot be calibrated: its weights {name!r} are NaN or infinite. Finite ones were expected.",
            "Export the model again from a checkpoint that is whole.",
            program=program.path,
            name=bad,
        )
    _log.info("the numbers in each layer are found")
    ranges = _ranges(nncf, model.clone(), pictures)
    if not ranges:
        raise BackendError(
            "{program} has no layer that int8 makes faster: no convolution and no product with constant weights.",
            "Use precision='float32'",
            program=program.path,
        )
    exact = opened(model)

    def with_layers(names: list[str]) -> Run:
        return opened(quantize(library, model.clone(), {name: ranges[name] for name in names}))

    _log.info("the layers that int8 would change most are found")
    order = _by_harm(list(ranges), with_layers, exact, list(pictures.held[:_TRIED_ON]))
    expected = [exact(batch) for batch in pictures.held]

    def share(count: int) -> float:
        run = with_layers([name for group in order[:count] for name in group])
        pairs = zip(pictures.held, expected, strict=True)
        return min(pictures.agreement(run(batch), wanted) for batch, wanted in pairs)

    _log.info("it is tried how many layers can compute in int8")
    count, best = most(len(order), share, pictures.least)
    if not count:
        raise BackendError(
            "{program} cannot compute in int8: with a single group of its layers {share:.3%} of the pixels keep their "
            "class; at least {least:.3%} were expected.",
            "Give a smaller --min-agreement, or use precision='bf16'",
            program=program.path,
            share=best,
            least=pictures.least,
        )
    chosen = [name for group in order[:count] for name in group]
    used = {name: ranges[name] for name in ranges if name in set(chosen)}
    return Calibration(used, len(ranges), (f"openvino {_short(library)}", f"nncf {_short(nncf)}"))


def most(count: int, share: Callable[[int], float], least: float) -> tuple[int, float]:
    """Returns how many groups in int8 keep the masks, by halving, and the share of pixels they keep.

    Args:
        count: How many groups there are.
        share: Returns the share of pixels that so many groups keep.
        least: Smallest share that will do.

    Returns:
        Where none do, 0 and the share of the first group.
    """
    low, high, kept = 0, count, 0.0
    tried = count
    while low < high:
        found = share(tried)
        if found >= least:
            low, kept = tried, found
        else:
            high, kept = tried - 1, kept if low else found
        tried = (low + high + 1) // 2
    return low, kept


def _by_harm(
    names: list[str], with_layers: Callable[[list[str]], Run], exact: Run, batches: list[NDArray[np.float32]]
) -> list[list[str]]:
    """Returns the layers in groups, those first that change the output least when they alone compute in 8 bits."""
    groups = [list(map(str, group)) for group in np.array_split(names, min(len(names), _GROUPS))]
    expected = [exact(batch).astype(np.float64) for batch in batches]

    def harm(group: list[str]) -> float:
        run = with_layers(group)
        return sum(
            float(np.square(run(batch) - wanted).mean()) for batch, wanted in zip(batches, expected, strict=True)
        )

    return sorted(groups, key=harm)


def _ranges(nncf: Any, model: Any, pictures: CalibrationPictures) -> dict[str, Layer]:
    """Returns the range of the numbers that go into each layer, as NNCF finds it on the pictures."""
    known = {node.get_friendly_name(): name for name, node in layers(model).items()}
    nodes = model.get_ops()
    kinds = {node.get_type_name() for node in nodes} - {*KINDS, "Constant", "Parameter", "Result"}
    others = [node.get_friendly_name() for node in nodes if node.get_type_name() in KINDS]
    ignored = nncf.IgnoredScope(
        types=sorted(kinds), names=[name for name in others if name not in known], validate=False
    )
    # Weights stay as they are: a range for each layer is then all there is to know.
    advanced = nncf.AdvancedQuantizationParameters(
        disable_bias_correction=True,
        disable_channel_alignment=True,
        smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1),
    )
    with _silent():
        found = nncf.quantize(
            model,
            nncf.Dataset(pictures.inputs),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=_ALL,
            ignored_scope=ignored,
            advanced_parameters=advanced,
        )
    sources = {
        node.get_friendly_name(): node.input_value(0).get_node()
        for node in found.get_ops()
        if node.get_type_name() in KINDS
    }
    return {
        weights: layer
        for name, weights in known.items()
        if sources[name].get_type_name() == "FakeQuantize" and (layer := _layer(sources[name]))
    }


def _layer(node: Any) -> Layer | None:
    """Returns the range that NNCF found; None where there is none, or not one of the kinds that `Layer` has."""
    low, high = (node.input_value(place).get_node().get_data() for place in (1, 2))
    if high.size > 1 and (high.ndim != 4 or high.shape[1] != high.size):
        return None
    low = np.broadcast_to(low, high.shape)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        return None
    return Layer(tuple(low.ravel().tolist()), tuple(high.ravel().tolist()))


def _short(library: Any) -> str:
    return str(library.__version__).partition("-")[0]


@contextlib.contextmanager
def _silent() -> Generator[None]:
    """Keeps what NNCF tells of its progress from the output of the program."""
    logger = logging.getLogger("nncf")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
