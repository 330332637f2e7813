"""The commands of `zoo`, their errors and their exit codes.

Exit codes: 0 done, 1 a ZooError or an output that cannot be written, 2 wrong usage, 3 some inputs failed, 130
interrupted, 143 asked to end. A command's module is imported when the command runs, so that `zoo --help` and
`zoo --version` import none.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Generator, Sequence
from gettext import gettext
from typing import TYPE_CHECKING, Any, TextIO

import click

from zoo.cli.language import choose, click_speaks, language, tr, translate
from zoo.contract.refs import resolve
from zoo.errors import ZooError
from zoo.message import Message

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: Commands by what they are for: where each lives, and its line in `zoo --help`.
_GROUPS = {
    Message("Use"): {
        "predict": ("predict:predict", Message("Segment pictures.")),
        "tiff": ("tiff:tiff", Message("Segment a TIFF too large for memory.")),
        "serve": ("service.serve:serve", Message("Serve models over HTTP.")),
        "pipeline": ("pipeline:pipeline", Message("Write a pipeline file; show its schema.")),
        "evaluate": ("measure.evaluate:evaluate", Message("Measure a model on a dataset.")),
        "compare": ("measure.compare:compare", Message("Show where models differ, and what each costs.")),
        "recommend": ("measure.recommend:recommend", Message("Find the model for your pictures here.")),
        "data": ("data.group:data", Message("Convert, check and split your labelled pictures.")),
        "select": ("measure.select:select", Message("Choose the pictures to label next.")),
        "train": ("data.train:train", Message("Train a model on them.")),
        "optimize": ("measure.optimize:optimize", Message("Find the fastest engine with the right masks.")),
        "export": ("export:export", Message("Export a checkpoint; convert to ONNX or OpenVINO.")),
        "download": ("download:download", Message("Fetch model files before they are needed.")),
    },
    Message("Models"): {
        "list-models": (
            "listing:list_models",
            Message("List the models there are, installed or not."),
        ),
        "info": ("info:info", Message("Show a model's card.")),
    },
    Message("Upkeep"): {
        "cache": ("cache:cache", Message("Show and tidy the model files on this machine.")),
        "lock": ("lock:lock", Message("Write down the files and the engine of a team.")),
        "pack": ("pack:pack", Message("Put models into one file for closed networks.")),
        "doctor": ("doctor:doctor", Message("Show what is wrong here; test a model's engines.")),
        "devices": ("devices:devices", Message("List devices and whether they can be used.")),
        "plugins": ("plugins:plugins", Message("Show the installed plugins and their faults.")),
    },
}
#: `zoo --help` is one screen, without what is needed once, and what only those need who develop zoo or its plugins.
_UNLISTED = {
    "completion": ("completion:completion", Message("Print the script that completes words in a shell.")),
    "new-plugin": ("authors.new_plugin:new_plugin", Message("Write the beginning of a plugin.")),
    "registry": ("registry:registry", Message("Build, check or pin a source tree's catalogue.")),
}
#: Commands that share a line in `zoo --help`, and what it says; they follow each other in a group.
_TOGETHER: dict[tuple[str, ...], Message] = {
    ("list-models", "info"): Message("List the models there are; show a model's card."),
    ("devices", "plugins"): Message("Show devices and plugins, and their faults."),
}
_COMMANDS = {name: entry for group in (*_GROUPS.values(), _UNLISTED) for name, entry in group.items()}
#: Earlier names of commands, which still work.
_EARLIER = {"bundle": "pack"}
_COLUMNS = (9, 17)


class _Context(click.Context):
    """A context that shows help in the user's language."""

    def make_formatter(self) -> click.HelpFormatter:
        if language() == "en":
            return super().make_formatter()
        from zoo.cli.helptext import ChineseFormatter

        return ChineseFormatter(self.command, self.terminal_width, self.max_content_width)


class _LazyGroup(click.Group):
    """A group that imports a command when it is run, and shows errors as their two lines."""

    context_class = _Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _EARLIER:
            from zoo.cli.notes import note

            earlier, cmd_name = cmd_name, _EARLIER[cmd_name]
            note("`zoo {earlier}` is called `zoo {name}` now.", earlier=earlier, name=cmd_name)
        return _with_context(resolve(f"zoo.cli.commands.{_COMMANDS[cmd_name][0]}")) if cmd_name in _COMMANDS else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # click's own way imports every command.
        from click.shell_completion import CompletionItem

        names = [name for name in _COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=translate(_COMMANDS[name][1])) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # One screen: the name of a group stands beside its first command.
        self.format_usage(ctx, formatter)
        formatter.write_text(self.help or "")
        commands = {group: _rows({name: text for name, (_, text) in inner.items()}) for group, inner in _GROUPS.items()}
        # What every command has, and whoever reads this knows, has no line; the others share one.
        options = [("-q -v --debug", Message("Print data only; tell more; tell everything."))]
        groups = [*commands.items(), (gettext("Options"), options)]
        formatter.write_dl([row for group, rows in groups for row in _labelled(group, rows)], col_max=sum(_COLUMNS))

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            try:
                with click_speaks():
                    return super().main(*args, **extra)
            finally:
                # Now, and not when the interpreter ends and can tell nobody.
                sys.stdout.flush()
        except OSError as error:
            if not _is_of_output(error):
                raise
            _give_up_output(error)
            sys.exit(1)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _told_in_full():
            return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # The documented `--pipeline NAME --input ...` stands without a command.
        if args and args[0].startswith("-") and any("pipeline" in word for word in args):
            from zoo.cli import legacy

            args = legacy.translate(args) or args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with _told_in_full(), _verbosity(ctx):
            try:
                return super().invoke(ctx)
            except ZooError as error:
                if ctx.params["debug"]:
                    import traceback

                    traceback.print_exception(error)
                else:
                    from zoo.cli.notes import alert_error

                    alert_error(error)
                ctx.exit(1)
            except KeyboardInterrupt as end:
                from zoo.cli.notes import alert_interrupted

                ctx.exit(alert_interrupted(end))


def _is_of_output(error: OSError) -> bool:
    """Says whether it was raised where click, or one of ours, writes to a stream."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals["__name__"] in (
        "click.utils",
        "zoo.cli.report",
        __name__,
    )


def _give_up_output(error: OSError) -> None:
    """Says why standard output cannot be written; what was not written yet is thrown away."""
    from zoo.cli.notes import alert

    _throw_away(sys.stdout)
    try:
        # A reader that went away, such as head, has what it wanted.
        if error.errno != errno.EPIPE:
            alert(
                "Standard output cannot be written: {reason}.\nFree some space, or send it somewhere else.",
                reason=error.strerror,
            )
    except OSError:
        _throw_away(sys.stderr)


def _throw_away(stream: TextIO) -> None:
    """Lets what a stream still holds vanish: Python would try to write it again when it ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def _told_in_full() -> Generator[None, None, None]:
    """Gives wrong usage the user's language and suggestions."""
    try:
        yield
    except click.UsageError as error:
        # Help that is shown because nothing else was asked for is an error in newer versions of click.
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            raise
        from zoo.cli.mistakes import Mistake

        raise error if isinstance(error, Mistake) else Mistake(error) from error


@contextlib.contextmanager
def _verbosity(ctx: click.Context) -> Generator[None, None, None]:
    """Says as much on standard error as the options before the command ask for."""
    quiet, verbose, debug = (bool(ctx.params[name]) for name in ("quiet", "verbose", "debug"))
    if quiet and (verbose or debug):
        raise click.UsageError(tr("--quiet excludes --verbose and --debug."), ctx)
    with warnings.catch_warnings():
        if not debug:
            # paddle warns about its own use of itself and about a compiler nobody needs.
            warnings.filterwarnings("ignore", module="" if quiet else r"paddle(\.|$)")
        import logging

        from zoo.cli.verbosity import logging_at

        with logging_at(
            logging.ERROR if quiet else logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
        ):
            _, reason = choose()
            if reason:
                logging.getLogger("zoo").info(reason)
            yield


def _with_context(command: click.Command) -> click.Command:
    command.context_class = _Context
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _with_context(inner)
    return command


def _rows(commands: dict[str, Message]) -> list[tuple[str, str]]:
    """Returns names and words of commands, a row each, or one for those that share it."""
    sharing = {name: names for names in _TOGETHER for name in names}
    rows = {sharing.get(name, (name,)): text for name, text in commands.items()}
    return [(", ".join(names), _TOGETHER.get(names, text)) for names, text in rows.items()]


def _labelled(label: str, rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Puts a label before the first of some rows."""
    from zoo.cli.cells import padded

    before, width = _COLUMNS
    labels = [translate(label), *[""] * (len(rows) - 1)]
    return [
        (padded(first, before) + f"{term:<{width}}", text) for first, (term, text) in zip(labels, rows, strict=True)
    ]


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import zoo

        click.echo(f"zoo {zoo.__version__}")
        ctx.exit()


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-q", "--quiet", is_flag=True, help="Print data and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Tell on stderr what is being done.")
@click.option("--debug", is_flag=True, help="Tell everything, with tracebacks of errors.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli(quiet: bool, verbose: bool, debug: bool) -> None:
    """Semantic segmentation on PaddlePaddle with models that come as plugins."""
