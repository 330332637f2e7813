"""`zoo pack`: models in one file, for networks without a way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.language import translate
from zoo.cli.notes import note
from zoo.cli.options import kinds_option, offline_option
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table, size_text
from zoo.registry.records import Kind

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _PackGroup(click.Group):
    """A group whose first word, unless it is a command, is a model."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "create", self.commands["create"], args

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        models = MODEL.shell_complete(ctx, self.commands["create"].params[0], incomplete)
        return [*super().shell_complete(ctx, incomplete), *(item for item in models if item.type == "plain")]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # `zoo pack -o models.zoo MODEL` begins with an option of the hidden command.
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["create", *args]
        return super().parse_args(ctx, args)


_HELP = """Write models into one file, and install it on another machine.

\b
zoo pack MODEL... -o models.zoo [--weights inference|pretrained] [--offline]
zoo pack install models.zoo
"""


@click.group(cls=_PackGroup, subcommand_metavar="MODEL... -o FILE | COMMAND ...", help=_HELP)
def pack() -> None:
    """Groups the commands of packs."""


@pack.command()
@click.argument("models", type=MODEL, nargs=-1, required=True)
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="The file, such as models.zoo.")
@kinds_option
@offline_option
def create(models: tuple[str, ...], output: Path, weights: tuple[Kind, ...], offline: bool | None) -> None:
    """Write MODELS, names or patterns, into a pack (the word create may be left out)."""
    from zoo.cli.commands.download import chosen_cards
    from zoo.errors import OutputError
    from zoo.store.model_files import make_options
    from zoo.store.pack import SUFFIX, write_pack

    if output.suffix != SUFFIX:
        raise OutputError(
            "{output} does not end with {suffix}. Packs are known by it.",
            "Give -o {example}",
            output=output,
            suffix=SUFFIX,
            example=output.with_suffix(SUFFIX),
        )
    with loading("writing {file}", file=output.name) as progress:
        names = [card.name for card in chosen_cards(models)]
        write_pack(output, names, weights, make_options(offline, False, progress))
    click.echo(output)
    size = size_text(output.stat().st_size)
    note("{count} models, {size}" if len(names) != 1 else "{count} model, {size}", count=len(names), size=size)


@pack.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lock", type=click.Path(path_type=Path), help="A lock file of yours that the files must agree with.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def install(file: Path, lock: Path | None, as_json: bool) -> None:
    """Take the models of a pack into the cache, verified."""
    from zoo.registry import registry
    from zoo.store.install import install_pack

    with loading("taking digests"):
        installed = install_pack(file, lock)
    if as_json:
        echo_json([{"model": item.model, "weights": item.kind, "outcome": item.outcome} for item in installed])
    else:
        echo_table(
            ("MODEL", "WEIGHTS", "OUTCOME"), [(item.model, item.kind, translate(item.outcome)) for item in installed]
        )
    known = {entry.distribution for entry in registry().catalogue.models}
    for plugin in sorted({item.plugin for item in installed} - {""}):
        note(
            "To use its models by name, run in a clone of zoo: pip install ./plugins/{plugin}"
            if plugin in known
            else "Its models have names with the plugin {plugin}, which zoo does not know: see whose it is first.",
            plugin=plugin,
        )


@pack.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(file: Path, as_json: bool) -> None:
    """Show what a pack says it holds."""
    from zoo.store.lock import lock_document
    from zoo.store.pack import read_pack

    models = read_pack(file).models
    if as_json:
        echo_json(lock_document(models.values()))
        return
    rows = [
        (model.name, kind, size_text(sum(entry.size for entry in files.files)), f"{model.distribution} {model.version}")
        for model in models.values()
        for kind, files in model.weights.items()
    ]
    echo_table(("MODEL", "WEIGHTS", "SIZE", "PLUGIN"), rows, right=(2,))
