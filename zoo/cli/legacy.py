"""The documented flags of PaddleX, read as zoo's commands.

zoo --pipeline semantic_segmentation --input X --device gpu:0 --save_path DIR
zoo --get_pipeline_config semantic_segmentation --save_path DIR
"""

from __future__ import annotations

from collections.abc import Sequence

_KNOWN = ("--pipeline", "--input", "--device", "--model", "--save-path", "--get-pipeline-config", "--config-save-path")


def translate(argv: Sequence[str]) -> list[str] | None:
    """Turns the documented flags into the arguments of `zoo predict` or `zoo pipeline config`.

    Nothing is judged here: what does not fit is passed on, so that the real command refuses it in its own words.

    Args:
        argv: The arguments after the program's name.

    Returns:
        The arguments to use instead, flags before the first documented one in front; None where the arguments have
        another form.
    """
    dashes = argv.index("--") if "--" in argv else len(argv)
    words, last = [_hyphened(word) for word in argv[:dashes]], list(argv[dashes + 1 :])
    begin = next((place for place, word in enumerate(words) if _name(word) in _KNOWN), len(words))
    front, rest = words[:begin], words[begin:]
    # A command's own options are its own business.
    if not all(word.startswith("-") for word in front):
        return None
    names, rest = _taken(rest, "--get-pipeline-config")
    if names is not None:
        rest = [word.replace("--config", "-", 1) if _name(word) == "--config-save-path" else word for word in rest]
        return [*front, "pipeline", "config", *rest, *_after_dashes([*names, *last])]
    if not any(_name(word) == "--pipeline" for word in rest):
        return None
    inputs, rest = _taken(rest, "--input")
    # -y answers a question about the pipeline file that zoo does not ask.
    rest = [word for word in rest if word != "-y"]
    return [*front, "predict", *rest, *_after_dashes([*(inputs or ()), *last])]


def _taken(words: list[str], option: str) -> tuple[list[str] | None, list[str]]:
    """Takes an option with its values out; None where it is not there, no values where it has none."""
    values: list[str] | None = None
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, mark, value = word.partition("=")
        if name != option:
            rest.append(word)
            continue
        values = values or []
        if mark:
            values.append(value)
        elif waiting and (waiting[0] == "-" or not waiting[0].startswith("-")):
            values.append(waiting.pop(0))
    return values, rest


def _name(word: str) -> str:
    """Returns the name of an option without its value."""
    return word.partition("=")[0]


def _hyphened(word: str) -> str:
    """Spells an option's name with hyphens, whose values stay as they are."""
    name, mark, value = word.partition("=")
    return name.replace("_", "-") + mark + value if word.startswith("--") else word


def _after_dashes(words: list[str]) -> list[str]:
    return ["--", *words] if words else []
