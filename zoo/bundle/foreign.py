"""Export folders that PaddleX and PaddleSeg wrote: a section `Deploy:` in `inference.yml` or `deploy.yaml`.

Facts from paddlex 3.7.2 (its semantic segmentation predictor) and from PaddleSeg's export and transforms. Both keep the
same section but fill gaps differently: PaddleX, known by its section `Global:`, keeps the ratio and rounds sides up to
multiples of 32 where PaddleSeg does neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.contract.labels import (
    LabelSet,
    distinct_palette,
)
from zoo.contract.spec import (
    Normalize,
    Resize,
    Step,
)
from zoo.message import Message
from zoo.settings.reader import Reader

_ARGUMENTS = {
    "Normalize": {"mean", "std"},
    "Resize": {"target_size", "keep_ratio", "size_divisor", "interp"},
    "ResizeByLong": {"long_size"},
    "ResizeByShort": {"short_size"},
}
# What PaddleSeg's `output_op` appends to the network; without it ("none") the network's own output stays as it is.
_OUTPUTS: dict[str, Literal["labels", "scores", "unstated"]] = {
    "argmax": "labels",
    "softmax": "scores",
    "none": "unstated",
}
_LARGEST_SIDE = 65536


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the settings of PaddleX and PaddleSeg say.

    Attributes:
        model: Name of the model, or None where it is not given.
        steps: Preprocessing, Normalize last.
        output: "labels", "scores", or "unstated" where only the program itself shows what it returns.
        program: File name of the program, or None where it is not given.
        params: File name of the parameters, or None where it is not given.
    """

    model: str | None
    steps: tuple[Step, ...]
    output: Literal["labels", "scores", "unstated"]
    program: str | None
    params: str | None


def read_deploy(settings: Reader) -> Deployed:
    """Reads the settings of a PaddleX or PaddleSeg folder.

    Normalize may stand before a resizing step. PaddleX always normalizes last; PaddleSeg keeps the order, but linear
    interpolation and a normalization of each channel give the same in both orders.

    Raises:
        BundleError: A step or an argument is unknown, a value is impossible, or Normalize is not there exactly once.
    """
    deploy, by_paddlex = settings["Deploy"], not settings["Global"].missing
    resizing: list[Step] = []
    normalizing: list[Step] = []
    for entry in deploy["transforms"].items():
        kind = entry["type"].choice(*_ARGUMENTS)
        if unknown := set(entry.names()) - _ARGUMENTS[kind] - {"type"}:
            raise entry.fault(
                Message(
                    "For {kind} only {argument:, }, not {unknown:, }",
                    kind=kind,
                    argument=sorted(_ARGUMENTS[kind]),
                    unknown=sorted(unknown),
                )
            )
        if kind == "Normalize":
            normalizing.append(_normalize(entry))
        else:
            resizing += _resize(kind, entry, by_paddlex)
    if len(normalizing) != 1:
        raise deploy["transforms"].fault(Message("A list with one Normalize step"))
    model = settings["Global"]["model_name"] if by_paddlex else None
    operator = deploy["output_op"]
    return Deployed(
        model=None if model is None or model.missing else model.text(),
        steps=(*resizing, *normalizing),
        output="unstated" if operator.missing else _OUTPUTS[operator.choice(*_OUTPUTS)],
        program=file_name(deploy["model"], ".pdmodel", ".json"),
        params=file_name(deploy["params"], ".pdiparams"),
    )


def unnamed_labels() -> LabelSet:
    """Returns labels for a folder that does not name its classes: "class 0", "class 1" and so on."""
    return LabelSet("unnamed", tuple(f"class {value}" for value in range(256)), distinct_palette(256), 65535)


def _normalize(entry: Reader) -> Normalize:
    mean, std = _channels(entry["mean"]), _channels(entry["std"])
    if 0 in std:
        raise entry["std"].fault(Message("Numbers other than 0"))
    return Normalize(mean, std)


def _channels(values: Reader) -> tuple[float, ...]:
    if values.missing:
        return (0.5,) * 3
    if not isinstance(values.plain, list):
        return (values.number(),) * 3
    numbers = tuple(item.number() for item in values.items())
    if len(numbers) != 3:
        raise values.fault(Message("One number, or three"))
    return numbers


def _resize(kind: str, entry: Reader, by_paddlex: bool) -> list[Step]:
    """Returns the step, or none where PaddleX is told to keep the size of the picture."""
    # OpenCV's linear interpolation, without averaging over the pixels that fall together.
    if kind == "ResizeByLong":
        side = entry["long_size"].whole(1, _LARGEST_SIDE)
        return [Resize((side, side), keep_ratio=True, antialias=False)]
    if kind == "ResizeByShort":
        side = entry["short_size"].whole(1, _LARGEST_SIDE)
        return [Resize((side, _LARGEST_SIDE), keep_ratio=True, antialias=False)]
    if not entry["interp"].missing:
        entry["interp"].choice("LINEAR")
    target, keep, divisor = entry["target_size"], entry["keep_ratio"], entry["size_divisor"]
    if by_paddlex and target.plain in (None, -1, [-1, -1]):
        return []
    if "size_divisor" not in entry.names():
        multiple = 32 if by_paddlex else 1
    else:
        # Written down without a value it means "none" in both systems.
        multiple = 1 if divisor.missing else divisor.whole(1, 4096)
    keeps = by_paddlex if keep.missing else keep.truth()
    return [Resize(_target(target), keep_ratio=keeps, multiple=multiple, antialias=False)]


def _target(target: Reader) -> tuple[int, int]:
    """Returns (height, width) of `target_size`, which is [width, height] or one side of a square."""
    if target.missing:
        return (512, 512)
    if not isinstance(target.plain, list):
        side = target.whole(1, _LARGEST_SIDE)
        return (side, side)
    sides = [side.whole(1, _LARGEST_SIDE) for side in target.items()]
    if len(sides) != 2:
        raise target.fault(Message("[width, height]"))
    return (sides[1], sides[0])


def file_name(entry: Reader, *suffixes: str) -> str | None:
    """Reads the name of a file of the folder; None where it is not given.

    Args:
        entry: Where it stands.
        suffixes: Suffixes it may have; any where there are none.

    Raises:
        BundleError: It is no such name.
    """
    if entry.missing:
        return None
    name = entry.text()
    if not is_plain(name) or not name.endswith(suffixes or ""):
        if not suffixes:
            raise entry.fault(Message("The name of a file of this folder"))
        raise entry.fault(
            Message("The name of a file of this folder with the suffix {suffixes: or }", suffixes=suffixes)
        )
    return name


def is_plain(name: str) -> bool:
    """Says whether a name leads to no other folder: a settings file must not point out of its own."""
    return name not in ("", ".", "..") and not any(sign in name for sign in "/\\\0")
