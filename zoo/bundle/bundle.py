"""An export folder: program, parameters and the settings that say how to use them.

zoo writes `inference.json`, `inference.pdiparams` and `inference.yml` with a `zoo:` section. Folders that PaddleX and
PaddleSeg wrote have a `Deploy:` section; what they do not say (the class names) is not invented.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.base.digest import file_sha256
from zoo.base.files import user_path
from zoo.bundle.calibration import kept_calibration
from zoo.bundle.class_section import CLASS_SECTION, against_background, read_class_section
from zoo.bundle.foreign import file_name_rule, read_deploy, unnamed_labels
from zoo.bundle.settings_file import DEPLOY, SETTINGS, SETTINGS_KIND, settings_file
from zoo.bundle.steps import SIDES, STEP, read_range, read_steps
from zoo.bundle.structure import check_params, check_program
from zoo.contract.engine import Output, Program
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.spec import Step, ValueRange, Window
from zoo.errors import BundleError
from zoo.message import Message
from zoo.program import OneChannel, one_channel, read_program
from zoo.settings.check import check_version, conform, mismatch, missing_key
from zoo.settings.document import Node
from zoo.settings.rules import SHA256, TEXT, VALUE_RANGE, array, mapping, optional, whole
from zoo.settings.yaml_text import read_yaml

FORMAT = 1
#: Programs of paddle, which zoo can look into.
_PADDLE = (".json", ".pdmodel")

#: The section `zoo:` of the settings. Other keys may stand there, for people and for versions to come.
SECTION = mapping(
    {
        "format": {"const": FORMAT},
        "model": TEXT,
        "output": {"enum": ["logits", "labels"]},
        "output_stride": whole(1, 64),
        "preprocess": array(STEP),
        "labels": CLASS_SECTION,
        "sha256": {"type": "object", "additionalProperties": SHA256},
    },
    {
        "program": optional(file_name_rule()),
        "params": optional(file_name_rule()),
        "golden": optional(file_name_rule()),
        "calibration": optional(file_name_rule()),
        "window": optional(mapping({"size": SIDES, "stride": SIDES})),
        "value_range": VALUE_RANGE,
    },
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an export folder holds.

    Attributes:
        folder: The folder.
        program: The file of the program: `.json` (PIR) or `.pdmodel`, or another one that the settings name.
        params: The file of its parameters; None where the program holds them itself.
        model: Name of the model.
        labels: The classes.
        preprocess: Steps from an RGB uint8 picture to the input.
        output: "logits" (N, C, h, w) at the output stride, or "labels" (N, H, W). Foreign programs may also return
            "scores" (N, C, H, W), probabilities or logits whose best class in each pixel of the input counts; where
            their settings do not say, "unstated" leaves it to the type of what the program returns.
        output_stride: Pixels of input per pixel of output; 1 in foreign folders, where it is not used.
        digests: SHA-256 of its files by file name: program, parameters and what else lies there; empty in foreign
            folders.
        golden: An input and what the network made of it, see `zoo.bundle.golden`; None where the folder has none.
        window: The published setting of sliding windows; None where the model is used on whole pictures.
        value_range: Which values of more than 8 bits become black and white where a caller does not say: those of the
            training.
        proven: SHA-256 by file name that the store has just found to be those of its files, so that `verify` need not
            take them again; empty elsewhere.
        origin: Whose model it is: the distribution that brings it with its version, such as "zoo-plugin-starter 0.1.0",
            or the folder or pack it was opened from; empty where nobody said.
        calibration: What was found for int8 on somebody's pictures, see `zoo.bundle.calibration`; None where the folder
            has none.
        one_channel: What the one channel of a program is whose settings leave it open; empty for others.
    """

    folder: Path
    program: Path
    params: Path | None
    model: str
    labels: LabelSet
    preprocess: tuple[Step, ...]
    output: Output
    output_stride: int
    digests: Mapping[str, str]
    window: Window | None = None
    golden: Path | None = None
    value_range: ValueRange = None
    proven: Mapping[str, str] = field(default_factory=dict[str, str])
    origin: str = ""
    one_channel: OneChannel = ""
    calibration: Path | None = None

    def verify(self) -> Program:
        """Checks every file that has a digest, and the structure of a program of paddle and its parameters.

        Returns:
            The program, ready to be opened.

        Raises:
            BundleError: A file is missing or damaged, or the program needs other parameters than its file holds.
        """
        shape = None
        if self.params is not None and self.program.suffix in _PADDLE:
            outline, found = check_program(self.program), check_params(self.params)
            shape = outline.input_shape
            if outline.parameters != found:
                raise BundleError(
                    "{params} holds {found} tensors, but {program} needs {needed}.",
                    "Take both files from the same export.",
                    params=self.params,
                    found=found,
                    program=self.program.name,
                    needed=outline.parameters,
                )
        proven = {name: self._proven(name) for name in self.digests}
        own = [path for path in (self.program, self.params) if path is not None]
        digests = [proven.get(path.name) or self._sha256(path) for path in own]
        digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        return Program(
            path=self.program,
            params=self.params,
            folder=self.folder,
            digest=digest,
            trusted={path.name for path in own} <= set(proven),
            output=self.output,
            output_stride=self.output_stride,
            input_shape=shape,
            classes=None if self.labels == unnamed_labels() else len(self.labels),
            golden=self.golden,
            calibration=self.calibration or kept_calibration(digest),
            threshold=0.5 if self.one_channel == "probability" else 0.0,
        )

    def _proven(self, name: str) -> str:
        path, expected = self.folder / name, self.digests[name]
        if not path.is_file():
            raise BundleError(
                "{folder} has no {name}, but {settings} gives its digest.",
                "Take all files from the same export.",
                folder=self.folder,
                name=name,
                settings=SETTINGS,
            )
        if (found := self._sha256(path)) != expected:
            raise BundleError(
                "{path} has sha256 {digest}, but {settings} says {expected}.",
                "The file was changed or damaged: export the model again, or install it again.",
                path=path,
                digest=found,
                settings=SETTINGS,
                expected=expected,
            )
        return found

    def _sha256(self, path: Path) -> str:
        return self.proven.get(path.name) or file_sha256(path)


def read_bundle(folder: str | os.PathLike[str]) -> Bundle:
    """Reads the settings of an export folder and finds its files. Loads no engine and needs no plugin.

    Raises:
        BundleError: The folder or a file is missing, or the settings are not understood.
    """
    folder = Path(user_path(folder))
    file = settings_file(folder)
    if not os.path.lexists(folder):
        raise BundleError("{folder} does not exist. An export folder was expected.", "Check the path.", folder=folder)
    if file is None:
        raise BundleError(
            "{folder} has no {settings} and no {deploy}. An export folder holds one of them, a program "
            "(inference.json or .pdmodel) and its .pdiparams.",
            "Give the folder that holds these files; an archive must be unpacked first.",
            folder=folder,
            settings=SETTINGS,
            deploy=DEPLOY,
        )
    settings = read_yaml(file, SETTINGS_KIND)
    if "zoo" in settings:
        return _own(settings["zoo"], folder)
    if "Deploy" in settings:
        return _foreign(settings, folder)
    raise BundleError(
        "{file} has neither a `zoo:` nor a `Deploy:` section.",
        "Give a folder that zoo, PaddleX or PaddleSeg exported.",
        file=file,
    )


def settled(bundle: Bundle) -> Bundle:
    """Looks into a program whose settings do not say what it returns: its one channel makes two classes.

    Raises:
        BundleError: The program is damaged or something else.
    """
    kind = one_channel(read_program(bundle.program, None)) if bundle.output == "unstated" else ""
    if not kind:
        return bundle
    labels = bundle.labels
    if labels == unnamed_labels():
        labels = LabelSet(labels.name, labels.names[1:2], distinct_palette(2)[1:])
    return replace(bundle, labels=against_background(labels), one_channel=kind)


def _files(folder: Path, stems: tuple[str, ...] = ("inference", "model")) -> tuple[Path, Path]:
    for stem in stems:
        for suffix in (".json", ".pdmodel"):
            program, params = folder / (stem + suffix), folder / f"{stem}.pdiparams"
            if program.is_file() and params.is_file():
                return program, params
    raise BundleError(
        "{folder} has no {stem}.json or {stem}.pdmodel with a {stem}.pdiparams beside it.",
        "Export the model again, or download it again.",
        folder=folder,
        stem=stems[0],
    )


def _foreign(settings: Node, folder: Path) -> Bundle:
    deployed = read_deploy(settings)
    if deployed.program is None or deployed.params is None:
        program, params = _files(folder)
    else:
        program, params = folder / deployed.program, folder / deployed.params
        if not (program.is_file() and params.is_file()):
            # PaddleSeg names a .pdmodel in its settings also where paddle wrote the program as .json.
            program, params = _files(folder, (Path(deployed.params).stem,))
    return Bundle(
        folder=folder,
        program=program,
        params=params,
        model=deployed.model or folder.resolve().name,
        labels=unnamed_labels(),
        preprocess=deployed.steps,
        output=deployed.output,
        output_stride=1,
        digests={},
    )


def _named_files(section: Node, values: dict[str, Any], folder: Path) -> tuple[Path, Path | None]:
    """Returns the program that the settings name, for an engine that knows its format, and its parameters."""
    program, params, digests = values.get("program"), values.get("params"), values["sha256"]
    if program is None:
        return _files(folder)
    if Path(program).suffix in _PADDLE and params is None:
        raise missing_key(section, "params")
    # Nothing but its digest says whether a file of an unknown format is whole.
    _check_digested(section, digests, program, params)
    return folder / program, None if params is None else folder / params


def _check_digested(section: Node, digests: dict[str, str], *names: str | None) -> None:
    for name in filter(None, names):
        if name not in digests:
            raise mismatch(section["sha256"], Message("the digest of {name}", name=name))


def _own(section: Node, folder: Path) -> Bundle:
    check_version(section, "format", FORMAT)
    values = conform(section, SECTION)
    window = values.get("window")
    if window and any(stride > side for stride, side in zip(window["stride"], window["size"], strict=True)):
        raise mismatch(section["window"], Message("a size [height, width] and a stride of at most that"))
    for name in values["sha256"]:
        conform(replace(section["sha256"], value=name), file_name_rule())
    program, params = _named_files(section, values, folder)
    golden, calibration = values.get("golden"), values.get("calibration")
    _check_digested(section, values["sha256"], golden, calibration)
    return Bundle(
        folder=folder,
        program=program,
        params=params,
        model=values["model"],
        labels=read_class_section(values["labels"]),
        preprocess=read_steps(section["preprocess"]),
        output=values["output"],
        output_stride=values["output_stride"],
        digests=values["sha256"],
        window=Window(tuple(window["size"]), tuple(window["stride"])) if window else None,
        golden=folder / golden if golden else None,
        calibration=folder / calibration if calibration else None,
        value_range=read_range(section["value_range"]) if "value_range" in section else None,
    )
