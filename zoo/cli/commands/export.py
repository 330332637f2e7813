"""`zoo export`: a checkpoint to a folder that runs without plugin and network code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.commands.completion import MODEL
from zoo.cli.language import tr
from zoo.cli.notes import note
from zoo.cli.progress.loading import loading
from zoo.cli.run_options import run_options
from zoo.contract.spec import ValueRange
from zoo.message import shell_word

if TYPE_CHECKING:
    from zoo.bundle.bundle import Bundle
    from zoo.learn.convert import FormatOptions
    from zoo.learn.run.run_folder import RunFolder

#: Formats of phones and boards: `zoo.learn.convert.EDGE_FORMS`.
_EDGE = ("mnn", "ncnn", "paddle-lite")
#: Those that are compared on pictures.
_COMPARED = ("mnn", "ncnn")
#: Formats that a program can be converted to: `zoo.learn.convert.FORMS`, and those.
_CONVERTED = ("onnx", "openvino", *_EDGE)


@click.command()
@click.argument("model", type=MODEL)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Checkpoint: .pdparams or safetensors. Without it the files of MODEL are converted to another --format.",
)
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="Folder to write; new or empty.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["paddle", "paddlex", *_CONVERTED]),
    default="paddle",
    show_default=True,
    help="For zoo; for PaddleX, with argmax inside; for zoo with an ONNX file, OpenVINO's IR, or a program for MNN, "
    "ncnn or Paddle Lite beside the program.",
)
@click.option("--fp16", is_flag=True, help="Store the weights of another format in float16.")
@click.option(
    "--input-size",
    type=click.IntRange(1),
    nargs=2,
    metavar="HEIGHT WIDTH",
    help="The only input size; pictures are resized to it. By default any size. ncnn needs one.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Of mnn and ncnn: pictures to compare on, a file or a folder; may be repeated. By default a made-up one.",
)
@click.option("--label-set", help="Label set of the checkpoint, or a file of class names; by default that of the card.")
@click.option("--name", help="Name of the exported model; by default that of MODEL.")
@click.option("--no-training-weights", is_flag=True, help="Of a run: leave out what it can be trained further from.")
@click.option(
    "--agreement",
    type=click.FloatRange(0, 1),
    help="Of a run, mnn or ncnn: least share of pixels that are as the network's; by default 0.999, with --fp16 0.99.",
)
@click.option("--labels", hidden=True)
@run_options("export")
@click.pass_context
def export(
    ctx: click.Context,
    model: str,
    weights: Path | None,
    output: Path,
    form: str,
    fp16: bool,
    input_size: tuple[int, int] | None,
    images: tuple[Path, ...],
    label_set: str | None,
    name: str | None,
    no_training_weights: bool,
    agreement: float | None,
    labels: str | None,
    value_range: ValueRange,
) -> None:
    """Export a run of zoo train, or a checkpoint of MODEL; or convert a model or an export folder.

    A run's folder in place of MODEL exports its best checkpoint. With --weights MODEL is the name of an installed
    model. Without, it is a name or an export folder, and --format is neither paddle nor paddlex.
    """
    from zoo.registry.names import RULE, is_valid

    if name is not None and not is_valid(name):
        raise click.BadParameter(
            tr("{name!r} is no name of a model; expected {rule}", name=name, rule=RULE), param_hint="--name"
        )
    if labels is not None:
        note("--labels is called --label-set here: elsewhere it brings a model to other classes.")
    named = label_set or labels
    from zoo.learn.run.run_folder import RunFolder

    run = RunFolder(Path(model))
    of_run = weights is None and run.exists
    _check_options(ctx, form, of_run, no_training_weights, bool(images), agreement, fp16)
    from zoo.learn.convert import FormatOptions

    conversion = FormatOptions(fp16, input_size, [str(path) for path in images] or None, agreement)
    if of_run:
        if form not in _CONVERTED and input_size is not None:
            said = tr("--input-size needs --weights, or a --format other than paddle and paddlex.")
            raise click.UsageError(said, ctx)
        _export_run(ctx, run, output, form, name, not no_training_weights, conversion)
        return
    if weights is not None:
        _export(model, weights, output, form, conversion, named, name, value_range)
        return
    if form not in _CONVERTED:
        said = tr("Missing option '--weights'. Only --format onnx, openvino, mnn, ncnn and paddle-lite do without it.")
        raise click.UsageError(said, ctx)
    given = {"--label-set": named, "--name": name, "--range": value_range}
    if wrong := [option for option, value in given.items() if value is not None]:
        raise click.UsageError(tr("{options:, } belongs to a checkpoint: give --weights too.", options=wrong), ctx)
    _convert(model, output, form, conversion)


def _check_options(
    ctx: click.Context,
    form: str,
    of_run: bool,
    no_training_weights: bool,
    images: bool,
    agreement: float | None,
    fp16: bool,
) -> None:
    """Refuses options that would have no use."""
    if not of_run and no_training_weights:
        raise click.UsageError(tr("--no-training-weights belongs to a run of zoo train."), ctx)
    if form not in _COMPARED and images:
        raise click.UsageError(tr("--images belongs to --format mnn or ncnn."), ctx)
    if not of_run and form not in _COMPARED and agreement is not None:
        raise click.UsageError(tr("--agreement belongs to a run of zoo train, or to --format mnn or ncnn."), ctx)
    if form not in _CONVERTED and fp16:
        raise click.UsageError(tr("--fp16 belongs to a --format other than paddle and paddlex."), ctx)


def _export_run(
    ctx: click.Context,
    run: RunFolder,
    output: Path,
    form: str,
    name: str | None,
    training_weights: bool,
    conversion: FormatOptions,
) -> None:
    """Exports the best checkpoint of a run."""
    from zoo.learn.convert import Checked, converter

    if form == "paddlex":
        said = tr("A run is exported for zoo, not as paddlex.")
        raise click.UsageError(said, ctx)
    convert = converter(form, conversion) if form in _CONVERTED else None
    checks: list[Checked] = []
    with loading("exporting {model}", model=run.path):
        from zoo.learn.delivery.deliver import export_run
        from zoo.learn.export import REQUIRED

        exported = export_run(
            run,
            output,
            name,
            also=None if convert is None else lambda partial: checks.append(convert(partial)),
            training_weights=training_weights,
            agreement=REQUIRED if conversion.least is None else conversion.least,
        )
    bundle = exported.bundle
    click.echo(bundle.folder)
    _tell(bundle, exported.unmeasured)
    for checked in checks:
        for said in checked.notes:
            note(said)
    note("Run: zoo predict PICTURE --model {folder}", folder=shell_word(bundle.folder))


def _tell(bundle: Bundle, unmeasured: str) -> None:
    """Says how good the model of a run is, and whether its masks are those of the network."""
    evaluation = bundle.evaluation
    if evaluation is not None and evaluation.miou is not None:
        miou, pictures = 100 * evaluation.miou, evaluation.pictures
        note("mIoU {miou:.2f} on {pictures} validation pictures", miou=miou, pictures=pictures)
    if evaluation is None or evaluation.differs_most is None:
        note("The masks were not held against the network: {reason}.", reason=unmeasured)
        return
    picture, share = evaluation.differs_most
    note(
        "{agreement:.4%} of the pixels of their masks have the network's own class; least in {picture}: {share:.4%}",
        agreement=evaluation.agreement,
        picture=picture,
        share=share,
    )


def _convert(model: str, output: Path, form: str, conversion: FormatOptions) -> None:
    """Converts the program that a model has."""
    from zoo.learn.convert import convert_bundle, converter
    from zoo.store.find import find_bundle

    write = converter(form, conversion)
    with loading("exporting {model}", model=model) as progress:
        checked = convert_bundle(find_bundle(model, progress=progress), output, write)
    click.echo(output)
    for said in checked.notes:
        note(said)


def _export(
    model: str,
    weights: Path,
    output: Path,
    form: str,
    conversion: FormatOptions,
    named: str | None,
    name: str | None,
    value_range: ValueRange,
) -> None:
    """Exports a network, and converts the program."""
    from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
    from zoo.learn.convert import Checked, check_divides, converter
    from zoo.learn.data import find_labels
    from zoo.learn.networks import build_network
    from zoo.registry import find_model
    from zoo.settings.yaml_text import read_yaml

    convert, input_size = converter(form, conversion) if form in _CONVERTED else None, conversion.size
    checks: list[Checked] = []
    card = find_model(model).card
    if form in _EDGE and input_size is not None:
        check_divides(input_size, card.network_stride)
    classes = card.labels if named is None else find_labels(named)
    click.get_current_context().with_resource(loading("exporting {model}", model=card.name))
    network = build_network(card.name, num_classes=len(classes), weights=weights)
    # Imports paddle, which a wrong name or checkpoint should not have to wait for.
    from zoo.learn.export import export_bundle

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
        also=None if convert is None else lambda partial: checks.append(convert(partial)),
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
    for said in (said for checked in checks for said in checked.notes):
        note(said)
