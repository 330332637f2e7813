"""An export folder: program, parameters and the settings that say how to use them.

zoo writes `inference.json`, `inference.pdiparams` and `inference.yml` with a `zoo:` section. Folders that PaddleX wrote
have `Global:` and `Deploy:` sections instead; what they do not say (the class names) is not invented.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zoo.errors import BundleError
from zoo.hub.settings import read_settings
from zoo.hub.structure import check_params, check_program
from zoo.labels import LabelSet, distinct_palette
from zoo.spec import Custom, Normalize, Pad, Resize, ResizeLong, ResizeShort, Step

SETTINGS = "inference.yml"
FORMAT = 1

_STEPS: dict[str, type[Any]] = {cls.__name__: cls for cls in (Resize, ResizeShort, ResizeLong, Pad, Normalize, Custom)}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an export folder holds.

    Attributes:
        folder: The folder.
        program: `inference.json` or a `.pdmodel` file.
        params: The `.pdiparams` file.
        model: Name of the model.
        labels: The classes.
        preprocess: Steps from an RGB uint8 picture to the input.
        output: "logits" (N, C, h, w) at the output stride, or "labels" (N, H, W).
        output_stride: Pixels of input per pixel of output.
        digests: SHA-256 of program and parameters by file name; empty in foreign folders.
    """

    folder: Path
    program: Path
    params: Path
    model: str
    labels: LabelSet
    preprocess: tuple[Step, ...]
    output: Literal["labels", "logits"]
    output_stride: int
    digests: Mapping[str, str]

    def verify(self) -> None:
        """Checks the structure of both files, and their digests where the folder gives them.

        Raises:
            BundleError: A file is damaged.
        """
        check_program(self.program)
        check_params(self.params)
        for path in (self.program, self.params):
            expected = self.digests.get(path.name)
            if expected is not None and file_sha256(path) != expected:
                raise BundleError(
                    f"{path} has sha256 {file_sha256(path)}, but {SETTINGS} says {expected}.",
                    "The file was changed or damaged: export the model again, or install it again.",
                )


def file_sha256(path: Path) -> str:
    """Returns the hex digest of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_bundle(folder: str | Path) -> Bundle:
    """Reads the settings of an export folder and finds its files. Loads no engine and needs no plugin.

    Raises:
        BundleError: The folder or a file is missing, or the settings are not understood.
    """
    folder = Path(folder)
    settings_file = folder / SETTINGS
    if not settings_file.is_file():
        raise BundleError(
            f"{folder} has no {SETTINGS}. An export folder holds {SETTINGS}, a program (inference.json or .pdmodel) "
            "and its .pdiparams.",
            "Give the folder that holds these files; an archive must be unpacked first.",
        )
    settings = read_settings(settings_file)
    program, params = _files(folder)
    if "zoo" in settings:
        return _own(_Reader(settings["zoo"], settings_file, "zoo"), folder, program, params)
    if "Deploy" in settings:
        return _paddlex(_Reader(settings, settings_file, ""), folder, program, params)
    raise BundleError(
        f"{settings_file} has neither a `zoo:` nor a `Deploy:` section.", "Give a folder that zoo or PaddleX exported."
    )


def describe(bundle: Bundle) -> dict[str, Any]:
    """Returns the `zoo:` section of a bundle's settings."""
    return {
        "format": FORMAT,
        "model": bundle.model,
        "output": bundle.output,
        "output_stride": bundle.output_stride,
        "preprocess": [{type(step).__name__: _plain(dataclasses.asdict(step))} for step in bundle.preprocess],
        "labels": {
            "name": bundle.labels.name,
            "ignore_index": bundle.labels.ignore_index,
            "classes": [
                {"name": name, "color": list(color)}
                for name, color in zip(bundle.labels.names, bundle.labels.palette, strict=True)
            ],
        },
        "sha256": dict(bundle.digests),
    }


class _Reader:
    """Typed access to nested settings; every fault names the file and the key path."""

    def __init__(self, value: Any, file: Path, path: str) -> None:
        self._value, self._file, self._path = value, file, path

    def fault(self, expected: str) -> BundleError:
        return BundleError(
            f"{self._file}: `{self._path}` is {self._value!r:.80}. {expected} was expected.",
            "Correct the file, or export the model again.",
        )

    def __getitem__(self, key: str) -> _Reader:
        if not isinstance(self._value, dict):
            raise self.fault("A mapping")
        return _Reader(self._value.get(key), self._file, f"{self._path}.{key}".lstrip("."))

    def names(self) -> list[str]:
        if not isinstance(self._value, dict):
            raise self.fault("A mapping")
        return [str(key) for key in self._value]

    def items(self) -> list[_Reader]:
        if not isinstance(self._value, list):
            raise self.fault("A list")
        return [_Reader(item, self._file, f"{self._path}[{index}]") for index, item in enumerate(self._value)]

    @property
    def missing(self) -> bool:
        return self._value is None

    @property
    def plain(self) -> Any:
        return self._value

    def text(self) -> str:
        if not isinstance(self._value, str) or not self._value:
            raise self.fault("Text (in quotes, if YAML takes it for something else)")
        return self._value

    def whole(self, low: int, high: int) -> int:
        if not isinstance(self._value, int) or isinstance(self._value, bool) or not low <= self._value <= high:
            raise self.fault(f"A whole number from {low} to {high}")
        return self._value

    def number(self) -> float:
        if not isinstance(self._value, (int, float)) or isinstance(self._value, bool):
            raise self.fault("A number")
        return float(self._value)

    def choice(self, *allowed: str) -> str:
        if self._value not in allowed:
            raise self.fault(" or ".join(allowed))
        return str(self._value)


def _files(folder: Path) -> tuple[Path, Path]:
    for stem in ("inference", "model"):
        for suffix in (".json", ".pdmodel"):
            program, params = folder / (stem + suffix), folder / f"{stem}.pdiparams"
            if program.is_file() and params.is_file():
                return program, params
    raise BundleError(
        f"{folder} has no inference.json or inference.pdmodel with an inference.pdiparams beside it.",
        "Export the model again, or download it again.",
    )


def _own(zoo: _Reader, folder: Path, program: Path, params: Path) -> Bundle:
    newest = zoo["format"].whole(1, 1_000_000)
    if newest > FORMAT:
        raise BundleError(
            f"{folder} was written in bundle format {newest}; this zoo reads up to {FORMAT}.",
            "Run: pip install --upgrade zoo-core",
        )
    return Bundle(
        folder=folder,
        program=program,
        params=params,
        model=zoo["model"].text(),
        labels=_labels(zoo["labels"]),
        preprocess=tuple(_step(step) for step in zoo["preprocess"].items()),
        output="logits" if zoo["output"].choice("logits", "labels") == "logits" else "labels",
        output_stride=zoo["output_stride"].whole(1, 64),
        digests={name: zoo["sha256"][name].text() for name in zoo["sha256"].names()},
    )


def _labels(labels: _Reader) -> LabelSet:
    classes = labels["classes"].items()
    if not 1 <= len(classes) <= 256:
        raise labels["classes"].fault("A list of 1 to 256 classes")
    colors: list[tuple[int, int, int]] = []
    for item in classes:
        channels = [channel.whole(0, 255) for channel in item["color"].items()]
        if len(channels) != 3:
            raise item["color"].fault("A list of red, green and blue")
        colors.append((channels[0], channels[1], channels[2]))
    return LabelSet(
        labels["name"].text(),
        tuple(item["name"].text() for item in classes),
        tuple(colors),
        labels["ignore_index"].whole(0, 65535),
    )


def _step(entry: _Reader) -> Step:
    keys = entry.names()
    if len(keys) != 1 or keys[0] not in _STEPS:
        raise entry.fault(f"One of {', '.join(_STEPS)} with its arguments")
    cls, arguments = _STEPS[keys[0]], entry[keys[0]]
    names = {field.name for field in dataclasses.fields(cls)}
    if unknown := set(arguments.names()) - names:
        raise arguments.fault(f"Only {', '.join(sorted(names))}, not {', '.join(sorted(unknown))}")
    try:
        step = cls(**{key: _tupled(value) for key, value in arguments.plain.items()})
    except TypeError:
        raise arguments.fault(f"All arguments of {keys[0]}") from None
    _check_step(step, arguments)
    return step


def _check_step(step: Any, where: _Reader) -> None:
    """Refuses values that no picture could survive."""
    if isinstance(step, Normalize):
        values = [item.number() for key in ("mean", "std") for item in where[key].items()]
        if len(step.mean) != len(step.std) or not step.std or 0 in step.std:
            raise where.fault("As many means as standard deviations, none of them 0")
        if any(value != value or value in (float("inf"), float("-inf")) for value in values):
            raise where.fault("Finite numbers")
    elif isinstance(step, Resize):
        sides = [side.whole(1, 65536) for side in where["size"].items()]
        if len(sides) != 2:
            raise where["size"].fault("[height, width]")
        if not where["multiple"].missing:
            where["multiple"].whole(1, 4096)
    elif isinstance(step, (ResizeShort, ResizeLong)):
        where["size"].whole(1, 65536)
    elif isinstance(step, Pad):
        where["multiple"].whole(1, 4096)
    elif isinstance(step, Custom):
        # A settings file must never name code to run; only a plugin's card may.
        raise where.fault("No Custom step in a file")


def _paddlex(settings: _Reader, folder: Path, program: Path, params: Path) -> Bundle:
    steps: list[Step] = []
    for entry in settings["Deploy"]["transforms"].items():
        kind = entry["type"].text()
        if kind == "Normalize":
            step = Normalize(_channels(entry["mean"], 0.5), _channels(entry["std"], 0.5))
            if 0 in step.std:
                raise entry["std"].fault("Numbers other than 0")
            steps.append(step)
        elif kind == "Resize":
            steps.insert(0, _paddlex_resize(entry))
        else:
            raise entry["type"].fault("Normalize or Resize")
    if not any(isinstance(step, Normalize) for step in steps):
        raise settings["Deploy"]["transforms"].fault("A list with a Normalize step")
    model = settings["Global"]["model_name"]
    return Bundle(
        folder=folder,
        program=program,
        params=params,
        model=folder.name if model.missing else model.text(),
        labels=_unnamed_labels(),
        preprocess=tuple(steps),
        output="labels",
        output_stride=1,
        digests={},
    )


def _paddlex_resize(entry: _Reader) -> Resize:
    sides = entry["target_size"].items()
    if len(sides) != 2:
        raise entry["target_size"].fault("[width, height]")
    width, height = (side.whole(1, 65536) for side in sides)
    keep = entry["keep_ratio"].plain
    divisor = entry["size_divisor"]
    # PaddleX's own defaults, paddlex 3.7.2: the ratio is kept and the sides are rounded up to multiples of 32.
    return Resize(
        (height, width),
        keep_ratio=True if keep is None else bool(keep),
        multiple=32 if divisor.missing else divisor.whole(1, 4096),
        antialias=False,
    )


def _channels(values: _Reader, default: float) -> tuple[float, ...]:
    if values.missing:
        return (default,) * 3
    if isinstance(values.plain, list):
        return tuple(item.number() for item in values.items())
    return (values.number(),) * 3


def _unnamed_labels() -> LabelSet:
    return LabelSet("unnamed", tuple(f"class {value}" for value in range(256)), distinct_palette(256), 65535)


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
