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
    **dict.fromkeys(("quantize", "calibrate", "tune"), "optimize"),
    **dict.fromkeys(("engines", "devices", "backends"), "doctor"),
    "show": "info",
    "config": "pipeline",
    "install": "download",
}

#: Commands of others that zoo does not have yet, and what there is.
ABSENT = {
    **dict.fromkeys(("help", "man"), Message("Help of zoo: zoo --help; of a command: zoo predict --help")),
    "version": Message("Run: zoo --version"),
    "benchmark": Message(
        "zoo optimize MODEL measures the engines that run a model, zoo predict FOLDER tells pictures a second and the "
        "time of each stage, zoo evaluate how good a model is."
    ),
}

#: What others call forms of results, and those of zoo.
FORMS = {
    **dict.fromkeys(("polygon", "polygons", "contours", "shapes"), ("labelme", "geojson")),
    **dict.fromkeys(("masks", "label", "labels", "png"), ("mask",)),
    **dict.fromkeys(("overlays", "blend", "vis", "image", "jpg"), ("overlay",)),
    **dict.fromkeys(("rle", "annotations"), ("coco",)),
}

#: What others call words that an option takes, and those of zoo.
WORDS = {
    **dict.fromkeys(("fp32", "f32", "float", "single", "full"), "float32"),
    **dict.fromkeys(("bfloat16", "fp16", "f16", "float16", "half", "mixed"), "bf16"),
    **dict.fromkeys(("i8", "uint8", "8bit", "quantized"), "int8"),
}

_TARGETS = ("--save-path", "--output", "--out")
#: Options of others, and those of zoo that may be meant, some with a value; the first that a command has is.
_OPTIONS = {
    ("--output", "--out", "--output-dir", "--out-dir", "--output-path"): _TARGETS,
    ("--save-dir", "--save-path", "--project", "--dest"): _TARGETS,
    ("--source", "--src", "--image", "--images", "--img", "--file", "--files", "--path", "-i", "-f"): ("--input",),
    ("-m", "--weight", "--weights", "--checkpoint", "--ckpt", "--net", "--network", "--model-name", "--model-dir"): (
        "--model",
        "--weights",
    ),
    ("--alpha", "--transparency", "--blend"): ("--opacity",),
    ("--contour", "--contours", "--edges", "--border", "--boundary"): ("--outline",),
    ("--overlap", "--step"): ("--stride",),
    ("--conf", "--confidence", "--threshold", "--thresh", "--score", "--min-conf"): ("--min-score",),
    ("--gpu", "--gpus", "--cpu", "--cuda", "--npu", "-d"): ("--device",),
    ("--batch", "--bs", "-b"): ("--batch-size",),
    ("--engine", "--runtime"): ("--backend",),
    ("--hpi", "--hpip"): ("--enable-hpi",),
    ("--half", "--fp16", "--bf16", "--bfloat16", "--amp"): ("--precision bf16",),
    ("--int8", "--quantize"): ("--precision int8",),
    ("--fp32", "--float32"): ("--precision float32",),
    ("--dtype",): ("--precision",),
    ("--workers", "--num-workers", "--jobs", "-j", "-t"): ("--threads",),
    ("--vis", "--visualize", "--visualise", "--draw", "--format", "--save-format", "--type"): ("--save",),
    ("--tta", "--augment", "--hflip"): ("--flip",),
    ("--dataset", "--list", "--val"): ("--data",),
    ("--data-dir", "--data-root"): ("--root",),
    ("--classes", "--class-names", "--names"): ("--labels", "--label-set"),
    ("--imgsz", "--img-size", "--size", "--shape", "--crop-size", "--tile", "--tile-size"): (
        "--input-size",
        "--window",
    ),
    ("-V",): ("--version",),
}
#: Options of others that zoo does not have, and what there is.
ABSENT_OPTIONS = {
    "--show": Message(
        "zoo predict opens no window. Save the overlay: -o FOLDER --save overlay; in Python: Result.show()"
    ),
    **dict.fromkeys(
        ("--hpi-config", "--hpi-params"),
        Message("Give what it holds: --backend, --precision, --threads. In a pipeline file it is read."),
    ),
    **dict.fromkeys(
        ("--color-blind", "--colorblind", "--colourblind"), Message("It is a palette: --palette colorblind")
    ),
}
OPTIONS = {word: meant for words, meant in _OPTIONS.items() for word in words}
