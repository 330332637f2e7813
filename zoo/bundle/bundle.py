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

from zoo.base.digest import file_sha256
from zoo.base.files import user_path
from zoo.bundle.calibration import kept_calibration
from zoo.bundle.class_section import against_background, read_class_section
from zoo.bundle.facts import Confidence, Evaluated, read_confidence, read_evaluation
from zoo.bundle.foreign import file_name_rule, read_deploy, unnamed_labels
from zoo.bundle.program_files import PADDLE, check_digested, named_files, program_files
from zoo.bundle.section_rules import FORMAT, SECTION
from zoo.bundle.settings_file import DEPLOY, SETTINGS, SETTINGS_KIND, settings_file
from zoo.bundle.steps import read_range, read_steps
from zoo.bundle.structure import check_params, check_program
from zoo.contract.engine import Output, Program
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.spec import Step, ValueRange, Window
from zoo.errors import BundleError
from zoo.message import Message
from zoo.program import OneChannel, one_channel, read_program
from zoo.settings.check import check_version, conform, mismatch
from zoo.settings.document import Node
from zoo.settings.yaml_text import read_yaml


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
        training: The weights in the form they are trained further in, a safetensors file; None where the folder has
            none. Predictions do not read it.
        evaluation: How good it was on the validation pictures of its run; None where nobody said.
        confidence: How sure it is of pictures like those of its training; None where nobody said.
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
    training: Path | None = None
    evaluation: Evaluated | None = None
    confidence: Confidence | None = None

    def verify(self) -> Program:
        """Checks every file that has a digest, and the structure of a program of paddle and its parameters.

        The weights for training are not looked at; see `training_weights`.

        Returns:
            The program, ready to be opened.

        Raises:
            BundleError: A file is missing or damaged, or the program needs other parameters than its file holds.
        """
        shape = None
        if self.params is not None and self.program.suffix in PADDLE:
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
        training = self.training.name if self.training is not None else ""
        proven = {name: self._proven(name) for name in self.digests if name != training}
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

    def training_weights(self) -> Path:
        """Checks the file of the weights for training and returns its path.

        Raises:
            BundleError: The folder has none, or it is missing or damaged.
        """
        if self.training is None:
            raise BundleError(
                "{folder} holds no weights for training, only a program for predictions.",
                "Export its run again, without --no-training-weights, or give the run itself.",
                folder=self.folder,
            )
        self._proven(self.training.name)
        return self.training

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


def _foreign(settings: Node, folder: Path) -> Bundle:
    deployed = read_deploy(settings)
    if deployed.program is None or deployed.params is None:
        program, params = program_files(folder)
    else:
        program, params = folder / deployed.program, folder / deployed.params
        if not (program.is_file() and params.is_file()):
            # PaddleSeg names a .pdmodel in its settings also where paddle wrote the program as .json.
            program, params = program_files(folder, (Path(deployed.params).stem,))
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


def _own(section: Node, folder: Path) -> Bundle:
    check_version(section, "format", FORMAT)
    values = conform(section, SECTION)
    window = values.get("window")
    if window and any(stride > side for stride, side in zip(window["stride"], window["size"], strict=True)):
        raise mismatch(section["window"], Message("a size [height, width] and a stride of at most that"))
    for name in values["sha256"]:
        conform(replace(section["sha256"], value=name), file_name_rule())
    program, params = named_files(section, values, folder)
    evaluation = values.get("evaluation")
    if evaluation and len(evaluation["iou"]) != len(values["labels"]["classes"]):
        raise mismatch(section["evaluation"]["iou"], Message("a number for every class"))
    golden, calibration, training = (values.get(name) for name in ("golden", "calibration", "training"))
    check_digested(section, values["sha256"], golden, calibration, training)
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
        training=folder / training if training else None,
        evaluation=read_evaluation(evaluation) if evaluation else None,
        confidence=read_confidence(values["confidence"]) if values.get("confidence") else None,
        value_range=read_range(section["value_range"]) if "value_range" in section else None,
    )
