"""The self-test of every model that is on this machine, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zoo.contract.engine import Precision
from zoo.doctor.findings import State
from zoo.doctor.trial import SelfTestResult, self_test
from zoo.engine.device import find_devices
from zoo.errors import ModelNotFoundError, ZooError
from zoo.registry import list_models
from zoo.registry.discovery import discover


@dataclass(frozen=True, slots=True)
class SelfTestFault:
    """A model whose self-test could not be done.

    Attributes:
        model: Its name.
        message: Why, in one sentence.
        help: The next step.
        state: A problem.
    """

    model: str
    message: str
    help: str
    state: State = "problem"


def present_models() -> tuple[str, ...]:
    """Returns the names of the models whose files are on this machine, inside their plugins or downloaded.

    Raises:
        ModelNotFoundError: There is none.
    """
    names = tuple(entry.name for entry in list_models(installed=True) if entry.status in ("embedded", "cached"))
    if not names:
        raise ModelNotFoundError(
            "There is no model on this machine. One was expected, inside its plugin or downloaded.",
            "Run: zoo list-models  and then: zoo download MODEL",
        )
    return names


def self_tests(
    models: Sequence[str], device: str = "cpu", backend: str = "auto", precision: Precision | None = None
) -> Iterator[SelfTestResult | SelfTestFault]:
    """Runs the self-tests of models, and goes on after one that fails.

    Args:
        models: Their names, such as `present_models` gives them.
        device: As in `self_test`.
        backend: See there.
        precision: See there.

    Yields:
        An outcome a model, in their order.

    Raises:
        DeviceError: The device cannot be used by any.
    """
    find_devices(device, discover("zoo.devices"))
    for model in models:
        try:
            yield self_test(model, device, backend, precision)
        except ZooError as error:
            yield SelfTestFault(model, error.message, error.hint)
