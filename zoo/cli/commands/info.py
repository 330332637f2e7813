"""`zoo info`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from zoo.bundle.settings_file import looks_like_path
from zoo.cli.cells import padded
from zoo.cli.commands.completion import MODEL
from zoo.cli.commands.listing import entry_document
from zoo.cli.language import tr, translate
from zoo.cli.tables import echo_json, miou_text, size_text, status_text
from zoo.contract.spec import Embedded, ModelCard, Step
from zoo.message import Message, printable
from zoo.registry import ModelEntry, registry

if TYPE_CHECKING:
    from zoo.bundle.bundle import Bundle
    from zoo.proof.record import Proof


@click.command()
@click.argument("model", type=MODEL)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(model: str, as_json: bool) -> None:
    """Show a model's card: what it predicts, how well, at what cost and under which licence.

    MODEL may be an export folder, which has no card but says what it is.
    """
    if looks_like_path(model):
        from zoo.store.find import find_bundle

        bundle = find_bundle(model)
        if bundle.training is not None:
            bundle.training_weights()
        proofs = _proofs(bundle)
        if as_json:
            echo_json(_bundle_document(bundle) | {"engines": [asdict(proof) for proof in proofs]})
        else:
            _echo(chain(_bundle_lines(bundle), _int8(bundle), _engines(proofs)))
        return
    entry = registry().describe(model)
    if as_json:
        card = entry.card
        document = entry_document(entry) | {"files": _files(entry)}
        if card is not None:
            document["card"] = asdict(card) | {"preprocess": _steps(card.preprocess)}
            document["engines"] = [asdict(proof) for proof in _proofs_of(entry)]
        echo_json(document)
        return
    _echo(chain(_lines(entry), _engines(_proofs_of(entry))))


def _echo(lines: Iterator[tuple[str, str]]) -> None:
    for label, text in lines:
        click.echo(f"{padded(translate(label), 15)}{printable(text)}".rstrip())


def _steps(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    return [{"step": type(step).__name__, **asdict(step)} for step in steps]


def _proofs_of(entry: ModelEntry) -> list[Proof]:
    """Returns what was proven of a model whose files are on this machine."""
    from zoo.errors import ZooError
    from zoo.store.find import find_bundle

    if entry.card is None:
        return []
    try:
        return _proofs(find_bundle(entry.name, offline=True))
    except ZooError:
        # Its files are not here, or damaged, which says who uses it.
        return []


def _proofs(bundle: Bundle) -> list[Proof]:
    from zoo.base.processor import processor
    from zoo.proof.record import kept_proofs

    return kept_proofs(bundle.verify().digest, processor())


def _engines(proofs: list[Proof]) -> Iterator[tuple[str, str]]:
    said = [
        tr(
            "{engine}, {precision}: {ms:.1f} ms at {height}x{width}, {share:.3%} of the pixels as {reference}",
            engine=", ".join(proof.subject.versions[1:2]) or proof.subject.engine,
            precision=proof.subject.precision,
            ms=1000 * proof.seconds,
            height=proof.height,
            width=proof.width,
            share=proof.agreement,
            reference=proof.reference,
        )
        for proof in proofs
        if proof.reference
    ]
    yield from _listed(Message("Engines here"), said)


def _int8(bundle: Bundle) -> Iterator[tuple[str, str]]:
    from zoo.bundle.calibration import read_calibrated

    program = bundle.verify()
    if program.calibration is None:
        return
    record = read_calibrated(program.calibration, program.digest)
    yield (
        "int8",
        tr(
            "{layers} of {of} layers, calibrated on {count} pictures by {libraries:, }, {date}, in {path}",
            layers=len(record.calibration.layers),
            of=record.calibration.of,
            count=record.pictures,
            libraries=record.calibration.libraries,
            date=record.date,
            path=program.calibration,
        ),
    )


def _bundle_document(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.model,
        "folder": bundle.origin,
        "labels": asdict(bundle.labels),
        "preprocess": _steps(bundle.preprocess),
        "output": bundle.output,
        "output_stride": bundle.output_stride,
        "window": None if bundle.window is None else asdict(bundle.window),
        "value_range": bundle.value_range,
        "evaluation": None if bundle.evaluation is None else bundle.evaluation.plain(),
        "confidence": None if bundle.confidence is None else bundle.confidence.plain(),
        "files": _sizes(bundle),
        "sha256": dict(bundle.digests),
    }


def _bundle_lines(bundle: Bundle) -> Iterator[tuple[str, str]]:
    yield Message("Name"), bundle.model
    yield Message("Folder"), bundle.origin
    yield Message("Classes"), tr("{count} of {labels}", count=len(bundle.labels), labels=bundle.labels.name)
    yield "", ", ".join(bundle.labels.names) if bundle.digests else tr("the folder does not name them")
    yield from _listed(Message("Preprocessing"), [repr(step) for step in bundle.preprocess])
    yield Message("Output"), _output(bundle.output, bundle.output_stride)
    if bundle.window is not None:
        yield Message("Windows"), repr(bundle.window)
    if bundle.value_range is not None:
        yield Message("Range"), str(bundle.value_range)
    yield from _evaluated(bundle)
    yield from _listed(Message("Files"), [f"{name}  {size_text(size)}" for name, size in _sizes(bundle).items()])
    yield (
        Message("Digests"),
        tr("the files have those of the settings") if bundle.digests else tr("the folder gives none"),
    )


def _evaluated(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """What the folder says of its validation pictures."""
    evaluation, confidence = bundle.evaluation, bundle.confidence
    if evaluation is not None:
        if evaluation.miou is not None:
            yield (
                "mIoU",
                tr(
                    "{miou:.2f} on {pictures} validation pictures",
                    miou=100 * evaluation.miou,
                    pictures=evaluation.pictures,
                ),
            )
        for name, value in zip(bundle.labels.names, evaluation.iou, strict=True):
            yield "", f"{'-':>6}  {name}" if value is None else f"{100 * value:6.2f}  {name}"
        if evaluation.differs_most is not None:
            picture, share = evaluation.differs_most
            yield (
                Message("Masks"),
                tr(
                    "{agreement:.4%} of their pixels as the network's; least in {picture}: {share:.4%}",
                    agreement=evaluation.agreement,
                    picture=picture,
                    share=share,
                ),
            )
    if confidence is not None:
        yield (
            Message("Mean score"),
            tr(
                "{mean:.3f} on validation pictures, deviation {deviation:.3f}, lowest {lowest:.3f}",
                mean=confidence.mean,
                deviation=confidence.deviation,
                lowest=confidence.lowest,
            ),
        )


def _sizes(bundle: Bundle) -> dict[str, int]:
    own = [file.name for file in (bundle.program, bundle.params) if file is not None]
    # Those with a digest are all that the folder holds beside its settings; a foreign folder gives none.
    return {name: (bundle.folder / name).stat().st_size for name in dict.fromkeys([*own, *bundle.digests])}


def _output(output: str, output_stride: int) -> str:
    if output != "logits":
        return output
    return tr("{output} at 1/{output_stride} of the input", output=output, output_stride=output_stride)


def _lines(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    card = entry.card
    yield Message("Name"), entry.name
    if card is not None:
        yield Message("Summary"), card.summary
    yield Message("Family"), f"{entry.title} ({entry.distribution})"
    yield Message("Status"), _status(entry)
    yield Message("Dataset"), tr("{dataset}, {classes} classes", dataset=entry.dataset, classes=entry.classes)
    if card is not None:
        yield from _card_lines(card)
    elif entry.miou is not None:
        yield "mIoU", miou_text(entry.miou, entry.inference)
    yield Message("Download"), size_text(entry.size)
    if entry.aliases:
        yield Message("Aliases"), ", ".join(entry.aliases)
    if card is not None:
        yield from _listed(Message("Files"), _files(entry))
        yield from _listed(Message("Notes"), card.notes)


def _card_lines(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield Message("Classes"), ", ".join(card.labels.names)
    yield from _listed(Message("Preprocessing"), [repr(step) for step in card.preprocess])
    yield Message("Output"), _output(card.output, card.output_stride)
    if card.network_stride > 1:
        yield Message("Network stride"), tr("{pixels}: exports pad pictures to multiples", pixels=card.network_stride)
    for metric in card.metrics:
        terms = [
            metric.dataset,
            metric.conditions,
            tr("source: {source}", source=metric.source) if metric.source else "",
        ]
        yield metric.name, f"{miou_text(metric.value, metric.inference)}  {'; '.join(filter(None, terms))}"
        for name, value in metric.per_class:
            yield "", f"{100 * value:6.2f}  {name}"
    for latency in card.latencies:
        figure = f"{latency.milliseconds:g} ms"
        yield (
            Message("Published time"),
            f"{figure}  {latency.device} {latency.precision}, {latency.hardware}; {latency.source}",
        )
    if card.parameters is not None:
        yield Message("Parameters"), f"{card.parameters:,}"
    if card.gmac is not None:
        yield (
            "GMAC",
            tr(
                "{gmac:.2f} for one picture of 512x1024 (height x width), counted on the inference form", gmac=card.gmac
            ),
        )
    yield Message("Licence"), card.license
    yield Message("Paper"), card.paper or "-"
    if card.devices:
        yield Message("Devices"), ", ".join(card.devices)


def _status(entry: ModelEntry) -> str:
    status = translate(entry.status) if entry.status == "not installed" else status_text(entry)
    return tr("{status}; run: {command}", status=status, command=entry.install) if entry.install else status


def _listed(label: str, texts: tuple[str, ...] | list[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield (label if number == 0 else ""), text


def _files(entry: ModelEntry) -> list[str]:
    """Returns where the model's files are: folders on this machine, else addresses."""
    if entry.card is None:
        return []
    from zoo.base.home import home
    from zoo.registry.records import TREES, Wanted, kept
    from zoo.store.embedded import embedded_folder
    from zoo.store.manifest import FILES

    weights = entry.card.weights
    if isinstance(weights, Embedded):
        return [str(embedded_folder(weights))]
    record = kept(home(), Wanted(entry.name, "inference", weights))
    return [str(home() / TREES / record.tree / FILES)] if record is not None else list(weights.urls)
