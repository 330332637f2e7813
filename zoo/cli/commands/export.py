"""`zoo export`: a checkpoint to a folder that runs without plugin and network code."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr
from zoo.cli.notes import note
from zoo.cli.progress.loading import loading
from zoo.cli.run_options import run_options
from zoo.contract.spec import ValueRange


@click.command()
@click.argument("model", type=MODEL)
@click.option("--weights", required=True, type=click.Path(path_type=Path), help="Checkpoint: .pdparams or safetensors.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to write; new or empty.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["paddle", "paddlex", "onnx"]),
    default="paddle",
    show_default=True,
    help="For zoo; for PaddleX, with argmax inside; for zoo with an ONNX model beside the program.",
)
@click.option(
    "--input-size",
    type=click.IntRange(1),
    nargs=2,
    metavar="HEIGHT WIDTH",
    help="The only input size; pictures are resized to it. By default any size.",
)
@click.option("--label-set", help="Label set of the checkpoint, or a file of class names; by default that of the card.")
@click.option("--name", help="Name of the exported model; by default that of MODEL.")
@click.option("--labels", hidden=True)
@run_options("export")
def export(
    model: str,
    weights: Path,
    output: Path,
    form: str,
    input_size: tuple[int, int] | None,
    label_set: str | None,
    name: str | None,
    labels: str | None,
    value_range: ValueRange,
) -> None:
    """Export MODEL, the name of an installed model, with the weights of a checkpoint."""
    from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
    from zoo.learn.data import find_labels
    from zoo.learn.networks import build_network
    from zoo.registry import find_model
    from zoo.registry.names import RULE, is_valid
    from zoo.settings.yaml_text import read_yaml

    if name is not None and not is_valid(name):
        raise click.BadParameter(
            tr("{name!r} is no name of a model; expected {rule}", name=name, rule=RULE), param_hint="--name"
        )
    if labels is not None:
        note("--labels is called --label-set here: elsewhere it brings a model to other classes.")
    card, named = find_model(model).card, label_set or labels
    classes = card.labels if named is None else find_labels(named)
    click.get_current_context().with_resource(loading("exporting {model}", model=card.name))
    network = build_network(card.name, num_classes=len(classes), weights=weights)
    # Imports paddle, which a wrong name or checkpoint should not have to wait for.
    from zoo.learn.export import export_bundle, export_onnx

    bundle = export_bundle(
        network,
        output,
        model=name or card.name,
        labels=classes,
        preprocess=card.preprocess,
        output_stride=card.output_stride,
        network_stride=card.network_stride,
        compat="paddlex" if form == "paddlex" else "zoo",
        input_size=input_size,
        window=card.window,
        value_range=value_range,
    )
    click.echo(bundle.folder)
    if input_size is not None and any(side % card.output_stride for side in input_size):
        note(
            "{height}x{width} is no multiple of {output_stride}, the output stride: masks are up to {off} pixels off "
            "at the lower and right border.",
            height=input_size[0],
            width=input_size[1],
            output_stride=card.output_stride,
            off=card.output_stride - 1,
        )
    verified = read_yaml(bundle.folder / SETTINGS, SETTINGS_KIND).value["zoo"]["verified"]
    note(
        "{program}: {agreement:.4%} of {pixels} pixels get the same class",
        program=bundle.program.name,
        agreement=verified["agreement"],
        pixels=verified["pixels"],
    )
    if form == "onnx":
        file, agreement = export_onnx(bundle)
        note("{file}: {agreement}", file=file.name, agreement=agreement)
