"""The commands of `zoo`, their errors and their exit codes.

Exit codes: 0 done, 1 a ZooError, 2 wrong usage, 3 some inputs failed, 130 interrupted. A command's module is imported
when the command runs, so that `zoo --help` and `zoo --version` import none.
"""

from __future__ import annotations

import warnings

import click

from zoo.errors import ZooError
from zoo.refs import resolve
from zoo.text import printable

#: Commands: where each lives, and its line in `zoo --help`.
_COMMANDS = {
    "bundle": ("zoo.cli.bundle:bundle", "Put models into one file for networks without a way out."),
    "cache": ("zoo.cli.cache:cache", "Show and tidy the model files on this machine."),
    "doctor": ("zoo.cli.doctor:doctor", "Show what this machine has and what is wrong; test a model."),
    "download": ("zoo.cli.download:download", "Fetch model files before they are needed."),
    "evaluate": ("zoo.cli.evaluate:evaluate", "Measure a model on a dataset."),
    "export": ("zoo.cli.export:export", "Turn a checkpoint into a folder that runs anywhere."),
    "info": ("zoo.cli.info:info", "Show a model's card."),
    "list-models": ("zoo.cli.listing:list_models", "List the models there are, installed or not."),
    "lock": ("zoo.cli.lock:lock", "Write down exactly which files a team uses."),
    "plugins": ("zoo.cli.plugins:plugins", "Show the installed plugins and what is wrong with them."),
    "predict": ("zoo.cli.predict:predict", "Segment pictures."),
    "registry": ("zoo.cli.registry:registry", "Build, check or pin the catalogue of a source tree."),
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is run, and shows errors as their two lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return resolve(_COMMANDS[cmd_name][0]) if cmd_name in _COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        # paddle warns about its own use of itself and about a compiler nobody needs; --debug shows that too.
        if not ctx.params["debug"]:
            warnings.filterwarnings("ignore", module=r"paddle(\.|$)")
        try:
            return super().invoke(ctx)
        except ZooError as error:
            if ctx.params["debug"]:
                import traceback

                traceback.print_exception(error)
            else:
                click.echo(f"{printable(error.message)}\n{printable(error.hint)}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(130)


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import zoo

        click.echo(f"zoo {zoo.__version__}")
        ctx.exit()


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli(debug: bool) -> None:
    """Semantic segmentation on PaddlePaddle with models that come as plugins."""
