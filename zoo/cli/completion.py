"""`zoo completion`, and the type of parameters that name a model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class ModelName(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """The name of a model, completed from the registry; where a path may stand, from files.

    Any text is taken: what it names is found out when it is used.
    """

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the text as it is."""
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Returns the models whose names begin so in any letter case; files if there are none."""
        from click.shell_completion import CompletionItem

        start = incomplete.casefold()
        names = [name for name in _installed() if name.casefold().startswith(start)]
        if os.sep in incomplete or incomplete.startswith(".") or not names:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(name) for name in names]


#: For arguments MODEL and options --model.
MODEL = ModelName()


def _installed() -> list[str]:
    """Returns the names of the installed models; nothing is said about broken plugins in the middle of a line."""
    import logging

    from zoo.cli.verbosity import logging_at
    from zoo.registry import discover

    with logging_at(logging.CRITICAL):
        return sorted({model.card.name for model in discover("zoo.models").installed_models})


_HELP = """Print the script with which a shell completes commands, options, models and files.

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
