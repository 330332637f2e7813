"""What every device and every engine must keep, as tests an author inherits.

    from zoo.testing import BackendContract, DeviceContract

    class TestNpu(DeviceContract):
        kind = "npu"

    class TestFast(BackendContract):
        name = "fast"

Run with pytest where the plugin is installed. A device is tried with the paddle engine; both need paddlepaddle, unless
an engine brings its own `folder`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.bundle.bundle import read_bundle
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.spec import API
from zoo.engine.guard import guarded_backends, guarded_devices
from zoo.engine.open import Opener, session_opener
from zoo.errors import BackendError, InferenceError
from zoo.plugin import Device, Program, Session
from zoo.registry.discovery import discover

#: Modules that importing a plugin must not load.
HEAVY = ("numpy", "PIL", "cv2", "requests", "yaml", "paddle", "onnxruntime", "openvino", "torch")
#: Sizes whose order shows what a session keeps of one for the next.
_SIZES = ((64, 96), (49, 67), (96, 64))


def small_program(folder: Path) -> Program:
    """Exports a network of one convolution, which gives logits of four classes at stride 8."""
    import paddle
    from paddle import nn

    from zoo.learn.export import export_bundle

    class Small(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2D(3, 4, 9, stride=8, padding=4)

        def forward(self, x: Any) -> list[Any]:
            return [self.layer(x)]

    paddle.seed(5)
    labels = LabelSet("small", tuple("abcd"), distinct_palette(4))
    return export_bundle(Small(), folder / "small", model="small", labels=labels).verify()


class DeviceContract:
    """The contract of a device. Subclass it and name the kind.

    Attributes:
        kind: Name of the device in device strings.
    """

    kind: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def device(cls) -> Device:
        """The device under test, as the guard gives it to engines."""
        [device] = [device for device in guarded_devices(discover("zoo.devices")) if device.kind == cls.kind]
        if "paddle" not in sys.modules:
            # The first program is exported for the processor, and paddle reads these once.
            os.environ.update(device.environ)
        return device

    def test_it_is_found_and_importing_it_loads_nothing_heavy(self) -> None:
        """No other plugin brings its kind, and looking at devices waits for no library."""
        found = discover("zoo.devices")
        plugin = found.owner(found.devices[self.kind])
        assert found.problems(plugin) == ()
        assert found.devices[self.kind].api == API
        _check_light("zoo.devices", plugin.name)

    def test_it_says_how_many_there_are_or_why_there_is_none(self, device: Device) -> None:
        """Twice the same, with a name for each or none at all."""
        probe = device.probe()
        assert probe.count or probe.reason
        assert device.probe() == probe

    def test_its_facts_are_plain(self, device: Device) -> None:
        """Variables are texts, names differ, and any engine may ask for its placement."""
        assert all(isinstance(text, str) for item in device.environ.items() for text in item)
        names = [device.name(index) for index in range(3)]
        assert all(name.partition(":")[0] == self.kind for name in names)
        assert isinstance(device.place("an-engine-nobody-has", 0), Mapping)

    def test_every_one_of_them_computes_what_the_processor_does(
        self, device: Device, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """The same program on each device there is, at several sizes and two pictures at once."""
        if not device.probe().count:
            pytest.skip(f"there is no {self.kind} here: {device.probe().reason}")
        program = small_program(tmp_path_factory.mktemp("device"))
        with contextlib.closing(session_opener(program, "cpu", "paddle")(1)) as session:
            expected = _answers(session)
        for index in device.probe().usable:
            with contextlib.closing(session_opener(program, device.name(index), "paddle")(1)) as session:
                assert session.facts.device == device.name(index)
                answers = _answers(session)
            for found, wanted in zip(answers, expected, strict=True):
                np.testing.assert_allclose(found, wanted, atol=1e-2 * float(np.abs(wanted).max()))


class BackendContract:
    """The contract of an engine. Subclass it and name the engine.

    Attributes:
        name: Name of the engine.
        device: The device it is tried on.
        folder: An export folder of logits that the engine runs; None for a small program of paddle.
    """

    name: ClassVar[str]
    device: ClassVar[str] = "cpu"
    folder: ClassVar[Path | None] = None

    @pytest.fixture(scope="class")
    @classmethod
    def program(cls, tmp_path_factory: pytest.TempPathFactory) -> Program:
        """The program that is run."""
        if cls.folder is not None:
            return read_bundle(cls.folder).verify()
        return small_program(tmp_path_factory.mktemp("engine"))

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, program: Program) -> Opener:
        """Opens the program with so many threads."""
        return session_opener(program, cls.device, cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def session(cls, opener: Opener) -> Iterator[Session]:
        """The program, opened."""
        session = opener(2)
        yield session
        session.close()

    def test_it_is_found_and_importing_it_loads_nothing_heavy(self) -> None:
        """No other plugin brings its name, and looking at engines waits for no library."""
        found = discover("zoo.backends")
        plugin = found.owner(found.backends[self.name])
        assert found.problems(plugin) == ()
        assert found.backends[self.name].api == API
        _check_light("zoo.backends", plugin.name)

    def test_it_says_what_it_runs(self, program: Program) -> None:
        """Its library with the version; and why not, of a program nobody has."""
        found = discover("zoo.devices", "zoo.backends")
        [backend] = [backend for backend in guarded_backends(found) if backend.name == self.name]
        [device] = [d for d in guarded_devices(found) if d.kind == self.device.partition(":")[0]]
        assert backend.supports(device, None).count == 1
        assert backend.supports(device, program).names
        unknown = backend.supports(device, replace(program, path=program.folder / "program.unknown"))
        assert unknown.count == 0
        assert unknown.reason

    def test_int8_that_is_calibrated_waits_for_it(self, program: Program) -> None:
        """An engine that calibrates computes in int8, and is not asked for it before."""
        backend = discover("zoo.backends").backends[self.name]
        if not getattr(backend, "calibrates", False):
            pytest.skip("it needs no calibration")
        assert "int8" in backend.precisions
        with pytest.raises(BackendError, match="not calibrated"):
            session_opener(replace(program, calibration=None), self.device, self.name, "int8")

    def test_a_session_says_what_really_runs(self, session: Session) -> None:
        """Engine, version, precision and device, for every result."""
        facts = session.facts
        assert (facts.engine, facts.device) == (self.name, self.device)
        assert facts.version
        assert facts.precision == "float32"
        assert str(facts).startswith(f"{self.name} {facts.version}")

    def test_a_batch_gives_what_its_members_give_alone(self, session: Session, program: Program) -> None:
        """At sizes in any order, without changing the input or an earlier answer."""
        for height, width in _SIZES:
            batch = _noise(2, height, width)
            before = batch.copy()
            together = session.run(batch)
            kept = together.copy()
            alone = np.concatenate([session.run(batch[index : index + 1]) for index in range(2)])
            assert np.array_equal(batch, before), "the input was changed"
            assert np.array_equal(together, kept), "an answer was changed by the next run"
            np.testing.assert_allclose(together, alone, atol=1e-4 * float(np.abs(alone).max()))

    def test_programs_of_paddle_give_what_they_give_in_paddle(self, opener: Opener, program: Program) -> None:
        """At odd sizes and two pictures at once: the same logits, but for the order in which numbers are added."""
        if self.folder is not None or importlib.util.find_spec("paddle") is None:
            pytest.skip("there is no paddle, or no program of it, to compare with")
        expected = _answers(session_opener(program, "cpu", "paddle")(1))
        for found, wanted in zip(_answers(opener(1)), expected, strict=True):
            assert found.dtype == wanted.dtype
            np.testing.assert_allclose(found, wanted, atol=3e-5 * float(np.ptp(wanted)))

    def test_sessions_in_threads_do_not_mix(self, opener: Opener) -> None:
        """One shared by four threads, and where they run side by side one for each too."""
        shared = opener(2)
        sessions = [[shared] * 4, [opener(1) for _ in range(4)]][: 2 if shared.parallel else 1]
        batches = [_noise(1, 40 + 8 * index, 64) for index in range(4)]
        expected = [shared.run(batch) for batch in batches]
        for row in sessions:
            wrong: list[int] = []

            def work(index: int, session: Session, wrong: list[int] = wrong) -> None:
                answers = [session.run(batches[index]) for _ in range(8)]
                wrong.extend(index for answer in answers if not np.allclose(answer, expected[index], atol=1e-4))

            threads = [threading.Thread(target=work, args=pair) for pair in enumerate(row)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert wrong == []
            for session in row:
                session.close()

    def test_a_batch_that_does_not_fit_is_an_error_and_no_answer(self, session: Session) -> None:
        """Of four channels, empty, of another type or with NaN; the next is answered as if nothing had been."""
        fine = _noise(1, 64, 96)
        expected = session.run(fine)
        wrong: list[Any] = [np.zeros((1, 4, 64, 96), np.float32), fine[:0], fine[0], fine.astype(np.float64)]
        for batch in (*wrong, np.full_like(fine, np.nan)):
            with pytest.raises(InferenceError):
                session.run(batch)
        np.testing.assert_allclose(session.run(fine), expected, atol=1e-5)

    def test_closing_twice_is_harmless_and_running_afterwards_an_error(self, opener: Opener) -> None:
        """And never an answer out of freed memory."""
        session = opener(1)
        session.close()
        session.close()
        with pytest.raises(InferenceError):
            session.run(_noise(1, 64, 96))


def _noise(count: int, height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(height).standard_normal((count, 3, height, width)).astype(np.float32)


def _answers(session: Session) -> list[NDArray[Any]]:
    try:
        return [session.run(_noise(2, height, width)) for height, width in _SIZES]
    finally:
        session.close()


def _check_light(group: str, entry_point: str) -> None:
    code = (
        "import sys\n"
        "from importlib.metadata import entry_points\n"
        f"[point] = entry_points(group={group!r}, name={entry_point!r})\n"
        "point.load()\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
