"""What other programs call the commands and options of zoo."""

from __future__ import annotations

from zoo.message import Message

#: Commands of others: the one of zoo.
COMMANDS = {
    **dict.fromkeys(("infer", "inference", "segment", "run", "detect", "demo"), "predict"),
    **dict.fromkeys(("val", "valid", "validate", "eval", "test"), "evaluate"),
    **dict.fromkeys(("ls", "list", "models", "search"), "list-models"),
    **dict.fromkeys(("get", "fetch", "pull"), "download"),
    **dict.fromkeys(("check", "env", "checks", "settings"), "doctor"),
    "convert": "export",
    "show": "info",
    "config": "pipeline",
}

#: Commands of others that zoo does not have yet, and what there is.
ABSENT = {
    "train": Message(
        "There is no command for it yet. Python trains: zoo.learn.training.train, see docs/training.md. "
        "zoo evaluate and zoo export take what comes of it."
    ),
    "serve": Message(
        "There is no server yet. zoo predict takes folders, patterns and addresses; in Python a loaded model stays "
        "open, see docs/python.md."
    ),
    "benchmark": Message(
        "There is no command for it yet. zoo predict FOLDER tells pictures a second and the time of each stage, "
        "zoo evaluate how good a model is."
    ),
}

_TARGETS = ("--save-path", "--output", "--out")
#: Options of others, and those of zoo that may be meant; the first that a command has is.
_OPTIONS = {
    ("--output", "--out", "--output-dir", "--out-dir", "--output-path", "--save-dir", "--project", "--dest"): _TARGETS,
    ("--source", "--src", "--image", "--images", "--img", "--file", "--files", "--path", "-i"): ("--input",),
    ("-m", "--weight", "--weights", "--checkpoint", "--ckpt", "--net", "--network", "--model-name"): ("--model",),
    ("--conf", "--confidence", "--threshold", "--thresh", "--score", "--min-conf"): ("--min-score",),
    ("--gpu", "--gpus", "--cpu", "--cuda", "--npu", "-d"): ("--device",),
    ("--batch", "--bs", "-b"): ("--batch-size",),
    ("--engine", "--runtime"): ("--backend",),
    ("--workers", "--num-workers", "--jobs", "-j", "-t"): ("--threads",),
    ("--vis", "--visualize", "--visualise", "--draw", "--format", "--save-format", "--type"): ("--save",),
    ("--tta", "--augment", "--hflip"): ("--flip",),
    ("--dataset", "--list", "--val"): ("--data",),
    ("--data-dir", "--data-root"): ("--root",),
    ("--classes", "--class-names", "--names"): ("--labels", "--label-set"),
    ("--imgsz", "--img-size", "--size", "--shape"): ("--input-size",),
    ("-V",): ("--version",),
}
OPTIONS = {word: meant for words, meant in _OPTIONS.items() for word in words}
