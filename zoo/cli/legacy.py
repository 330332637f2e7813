"""The documented flags of PaddleX, read as zoo's commands.

zoo --pipeline semantic_segmentation --input X --device gpu:0 --save_path DIR
zoo --get_pipeline_config semantic_segmentation --save_path DIR
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

#: The flags, spelt with hyphens; each takes a value.
DOCUMENTED = (
    "--pipeline",
    "--input",
    "--device",
    "--model",
    "--save-path",
    "--get-pipeline-config",
    "--config-save-path",
)


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
    words, last = argv[:dashes], argv[dashes + 1 :]
    begin = next((place for place, word in enumerate(words) if _split(word)[0] in DOCUMENTED), len(words))
    front, options = words[:begin], list(_options(words[begin:]))
    names = [option.name for option in options]
    # A command's own options are its own business.
    if not all(word.startswith("-") for word in front):
        return None
    if "--get-pipeline-config" in names:
        return [*front, "pipeline", "config", *_config(options, last)]
    if "--pipeline" in names:
        return [*front, "predict", *_predict(options, last)]
    return None


class _Option(NamedTuple):
    """An option and all words up to the next one; what was joined to it with = is the first of them."""

    name: str
    values: list[str]
    joined: bool

    @property
    def lacks_value(self) -> bool:
        """Whether it is known to take a value and has none."""
        return self.name in DOCUMENTED and not self.values

    def words(self) -> list[str]:
        """Returns the words of the command line again."""
        return [f"{self.name}={self.values[0]}", *self.values[1:]] if self.joined else [self.name, *self.values]


def _predict(options: list[_Option], last: Iterable[str]) -> list[str]:
    """Returns the arguments of `zoo predict`: inputs in their order, each so that no option before it can take it."""
    arguments: list[str] = []
    for option in options:
        if option.lacks_value:
            # In front of others it would take the next word for its value.
            return [*arguments, option.name]
        if option.name == "--input":
            arguments += _inputs(option.values)
        elif option.name in DOCUMENTED:
            arguments += option._replace(values=option.values[:1]).words() + _inputs(option.values[1:])
        else:
            # -y answers a question about the pipeline file that zoo does not ask.
            arguments += option.values if option.name == "-y" else option.words()
    return arguments + _inputs(last)


def _inputs(values: Iterable[str]) -> list[str]:
    return [f"--input={value}" for value in values]


def _config(options: list[_Option], last: Iterable[str]) -> list[str]:
    """Returns the arguments of `zoo pipeline config`."""
    arguments: list[str] = []
    names: list[str] = []
    for option in options:
        if option.name == "--get-pipeline-config":
            names += option.values
            continue
        saving = option._replace(name="--save-path") if option.name == "--config-save-path" else option
        arguments += saving.words()
        if option.lacks_value:
            return arguments
    names += last
    return [*arguments, "--", *names] if names else arguments


def _options(words: Sequence[str]) -> Iterator[_Option]:
    """Yields the options of words of which the first is one."""
    begins = [place for place, word in enumerate(words) if word.startswith("-") and word != "-"]
    for begin, end in pairwise([*begins, len(words)]):
        name, mark, value = _split(words[begin])
        yield _Option(name, [*([value] if mark else ()), *words[begin + 1 : end]], bool(mark))


def _split(word: str) -> tuple[str, str, str]:
    """Parts an option from its value; its name is spelt with hyphens, the value stays as it is."""
    name, mark, value = word.partition("=")
    return name.replace("_", "-") if word.startswith("--") else name, mark, value
