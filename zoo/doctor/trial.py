"""The self-test of a model: one picture through the device and engine chosen, compared with its expected mask."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.settings_file import settings_file
from zoo.contract.engine import Precision
from zoo.doctor.beside_cpu import BesideCpu, beside_cpu
from zoo.doctor.cards import MASK, PICTURE
from zoo.doctor.engines import EngineState, engine_states
from zoo.doctor.findings import State
from zoo.engine.device import available_cores, find_devices
from zoo.engine.samples import made_up_picture
from zoo.errors import DatasetError, DecodeError, ModelNotFoundError, PluginContractError
from zoo.learn.data import Sample
from zoo.message import Message
from zoo.predict.load import load
from zoo.proof.choice import choose_engine
from zoo.proof.chosen import kept_choice, least_agreement
from zoo.registry import discover, find_model
from zoo.store.embedded import embedded_folder

#: Smallest fraction of equal pixels that is no fault: engines round differently, and single pixels are ties. Where
#: engines are accepted with less, as in bf16 and int8, that is enough here too.
LEAST_AGREEMENT = 0.999

_Verdict: TypeAlias = tuple[State, str, str]
_ONLY_RUN = Message("It runs. Only that was tested and not its result: there is no expected mask for it.")


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """What a self-test gave.

    Attributes:
        model: Name of the model.
        device: Device really used, such as "cpu".
        engine: Engine and setting really used, such as "paddle 3.2.2, oneDNN, 2 threads".
        size: (height, width) of the picture in pixels.
        agreement: Fraction of pixels with the expected class; None where the model brings no expected mask.
        seconds: Time of each stage: "load" (with the import of the engine), "read", "preprocess", "inference",
            "postprocess". It is the first picture; further ones are faster.
        state: "ok", "note" where only running could be tested, "problem" below what was expected.
        message: The outcome in one sentence.
        help: The next step; empty unless there is a problem.
        engines: What each engine is worth for this model.
        beside: The device beside the processor, picture by picture; None on the processor.
    """

    model: str
    device: str
    engine: str
    size: tuple[int, int]
    agreement: float | None
    seconds: Mapping[str, float]
    state: State
    message: str
    help: str = ""
    engines: tuple[EngineState, ...] = ()
    beside: BesideCpu | None = None


def self_test(
    model: str | Path, device: str = "cpu", backend: str = "auto", precision: Precision | None = None
) -> SelfTestResult:
    """Runs a model on the picture of its self-test and compares the mask with the expected one.

    On a device, what the network gives there is compared with what it gives on the processor.

    Args:
        model: Name of an installed model, or an export folder. A folder, and a model whose card has no self-test, is
            run on a made-up picture, which shows only that it runs.
        device: As in `zoo.load`.
        backend: As in `zoo.load`; the name of an engine also leaves the others out of `engines`.
        precision: As in `zoo.load`.

    Returns:
        What came of it; a wrong mask is a result and not an error.

    Raises:
        ZooError: The model cannot be opened or run, as in `zoo.load` and `Model.predict`.
        PluginContractError: The files of the self-test are missing or damaged.
    """
    expected = _find_expected(model)
    picture = made_up_picture() if expected is None else expected.picture
    asked: Precision = precision or "float32"
    began = time.perf_counter()
    with load(model, device=device, backend=backend, precision=precision) as opened:
        loaded = time.perf_counter() - began
        bundle, program = opened.bundle, opened.bundle.verify()
        meant = find_devices(device, discover("zoo.devices"))
        engines = engine_states(program, meant, backend, asked)
        result = opened.predict(picture).one()
    chosen = kept_choice(program, result.device, asked)
    least = min(LEAST_AGREEMENT, least_agreement(chosen, asked))
    beside: BesideCpu | None = None
    if result.device != "cpu":
        used = choose_engine(program, meant, backend, available_cores(), asked).candidate
        beside = beside_cpu(bundle, program, picture, used)
    agreement = None if expected is None else float((result.mask == expected.mask).mean())
    verdict: _Verdict = ("note", _ONLY_RUN, "")
    if expected is not None and agreement is not None:
        verdict = _judge(agreement, least, str(model), result.device, backend, expected.distribution)
    if beside is not None and verdict[0] != "problem":
        verdict = _judge_beside(beside, least, str(model), verdict)
    height, width = result.mask.shape
    seconds = {"load": loaded, **result.seconds}
    return SelfTestResult(
        result.model, result.device, result.engine, (height, width), agreement, seconds, *verdict, engines, beside
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Expected:
    """The files of a self-test, read, and the distribution they come from."""

    picture: Path
    mask: NDArray[np.uint8 | np.uint16]
    distribution: str


def _find_expected(model: str | Path) -> _Expected | None:
    # A folder of this name comes first, as in zoo.load.
    if settings_file(Path(model)) is not None:
        return None
    try:
        found = find_model(str(model))
    except ModelNotFoundError:
        # No such model, or a folder without settings: zoo.load says which.
        return None
    if found.card.self_test is None:
        return None
    folder = embedded_folder(found.card.self_test)
    try:
        _, mask = Sample(folder / PICTURE, folder / MASK).load()
    except (DatasetError, DecodeError) as error:
        raise PluginContractError(
            "The self-test of {model} cannot be used: {reason}",
            "Install {distribution} again from where it came.",
            model=found.card.name,
            reason=error.message,
            distribution=found.distribution,
        ) from error
    return _Expected(folder / PICTURE, mask, found.distribution)


def _judge(agreement: float, least: float, wanted: str, device: str, backend: str, distribution: str) -> _Verdict:
    figures = Message(
        "{agreement:.6f} of the pixels have the expected class; {least_agreement} or more was expected.",
        agreement=agreement,
        least_agreement=least,
    )
    if agreement >= least:
        return "ok", figures, ""
    again = Message("zoo doctor {quote}", quote=shlex.quote(wanted))
    if device != "cpu":
        return "problem", figures, _on_cpu(wanted, device)
    if backend not in ("auto", "paddle"):
        return (
            "problem",
            figures,
            Message(
                "Run: {again} --backend paddle  (if that is right, {backend} computes wrongly)",
                again=again,
                backend=backend,
            ),
        )
    return (
        "problem",
        figures,
        Message(
            "Install {distribution} again from where it came  (if it stays wrong, report it with "
            "what zoo doctor prints)",
            distribution=distribution,
        ),
    )


def _judge_beside(beside: BesideCpu, least: float, wanted: str, verdict: _Verdict) -> _Verdict:
    """Returns what the comparison says, where it says more than what was found without it."""
    worst = min(beside.pictures, key=lambda picture: picture.agreement)
    figures = Message(
        "{agreement:.6f} or more of the pixels of each picture have on {device} the class that the cpu gives them; "
        "{least_agreement} or more was expected.",
        agreement=worst.agreement,
        device=worst.device,
        least_agreement=least,
    )
    if worst.agreement < least:
        return "problem", figures, _on_cpu(wanted, worst.device)
    return verdict if verdict[0] == "ok" else ("ok", figures, "")


def _on_cpu(wanted: str, device: str) -> str:
    again = Message("zoo doctor {quote}", quote=shlex.quote(wanted))
    return Message(
        "Run: {again} --device cpu  (if that is right, {device} computes wrongly)", again=again, device=device
    )
