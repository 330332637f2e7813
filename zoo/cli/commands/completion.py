"""`zoo completion`, and the types of parameters whose words a shell completes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from zoo.registry import Discovery


class Completed(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """Text that a shell completes from names and, where a path may stand, from files.

    Any text is taken: what it names is found out when it is used.

    Args:
        name: What help calls the value.
        names: Returns the names there are. It is called when a shell asks, and may import what it needs.
        files: Whether a path may stand there.
        commas: Whether several names may stand there, with commas between them.
    """

    def __init__(
        self, name: str, names: Callable[[], Iterable[str]] = tuple, *, files: bool = False, commas: bool = False
    ) -> None:
        self.name = name
        self._names = names
        self._files = files
        self._commas = commas

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the text as it is."""
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Returns the names that begin so in any letter case; files if there are none and a path may stand there."""
        from click.shell_completion import CompletionItem

        before, comma, begun = incomplete.rpartition(",") if self._commas else ("", "", incomplete)
        start, said = begun.casefold(), before.split(",")
        names = [name for name in self._names() if name.casefold().startswith(start) and name not in said]
        # A shell completes files by itself or takes words: it cannot be told to do both.
        if self._files and (os.sep in begun or begun.startswith(".") or not names):
            return [CompletionItem(begun, type="file")]
        return [CompletionItem(f"{before}{comma}{name}") for name in names]


def _pipelines() -> list[str]:
    """Returns the names of the built-in pipelines and the pipeline files of this folder."""
    # The package itself would take a YAML library with it.
    builtin = Path(__file__).parents[2] / "predict" / "pipeline"
    return [*sorted(file.stem for file in builtin.glob("*.yaml")), *_files(".yaml", ".yml")]


def _mappings() -> list[str]:
    """Returns the names of the built-in label mappings and the YAML files of this folder."""
    from zoo.contract.labels.conversions import CONVERSIONS

    return [*CONVERSIONS, *_files(".yaml", ".yml")]


def _truths() -> list[str]:
    """Returns the names of the built-in mappings of mask values and the YAML files of this folder."""
    from zoo.contract.labels.conversions import TRUTHS

    return [*TRUTHS, *_files(".yaml", ".yml")]


def _files(*suffixes: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir() if name.endswith(suffixes))
    except OSError:
        return []


def _formats() -> tuple[str, ...]:
    from zoo.registry.formats import format_names

    _installed("zoo.formats")
    return format_names()


def _models() -> list[str]:
    return sorted({model.card.name for model in _installed("zoo.models").installed_models})


def _devices() -> list[str]:
    return ["auto", *sorted(_installed("zoo.devices").devices)]


def _engines() -> list[str]:
    return ["auto", *sorted(_installed("zoo.backends").backends)]


def _installed(group: str) -> Discovery:
    """Returns what is installed; nothing is said about broken plugins in the middle of a line."""
    import logging

    from zoo.cli.verbosity import logging_at
    from zoo.registry import discover

    with logging_at(logging.CRITICAL):
        return discover(group)


#: For arguments MODEL and options --model.
MODEL = Completed("model", _models, files=True)
#: For inputs: a file, a folder, a pattern, an address or a dash.
PATHS = Completed("path", files=True)
#: For --pipeline.
PIPELINE = Completed("pipeline", _pipelines, files=True)
#: For --labels where it takes a label mapping.
LABELS = Completed("labels", _mappings, files=True)
#: For --truth-labels.
TRUTH = Completed("mapping", _truths, files=True)
#: For --device: auto, and the kinds that are installed, which a number may follow.
DEVICE = Completed("device", _devices)
#: For --backend.
BACKEND = Completed("engine", _engines)
#: For --save.
FORMATS = Completed("formats", _formats, commas=True)


_HELP = """Print the script with which a shell completes commands, options, models, devices, engines, formats and files.

Put one line into the shell's own settings, and open a new shell:

\b
~/.bashrc                    eval "$(zoo completion bash)"
~/.zshrc                     eval "$(zoo completion zsh)"
~/.config/fish/config.fish   zoo completion fish | source
"""


@click.command(help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Prints the script of a shell."""
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "zoo", "_ZOO_COMPLETE").source())
