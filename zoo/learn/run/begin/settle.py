"""The settings of a new run: the proposal, what was said otherwise, and a batch that the memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.errors import ConfigError
from zoo.learn.networks import build_network
from zoo.learn.place import check_share
from zoo.learn.run.configuration import Configuration, overridden, overrides, recipe_of
from zoo.learn.run.data import RunData
from zoo.learn.run.proposal import official_recipe, propose
from zoo.message import Message
from zoo.registry import find_model
from zoo.settings.document import Node


def settle(
    model: str,
    folder: Path,
    data: RunData,
    *,
    pretrained: str | None,
    file: Node | None,
    given: Sequence[str],
    free: float | None,
    processes: int = 1,
) -> tuple[Configuration, Message | None]:
    """Returns the whole configuration of a new run, and what is to be told of its memory.

    Args:
        model: Name of an installed model.
        folder: Folder of the data.
        data: Its content.
        pretrained: Weights to begin with.
        file: Content of a file with some settings.
        given: Words KEY=VALUE.
        free: Bytes of memory that the run may take; None where that is not known, as on a device.
        processes: Processes that share it and the batches of a step.

    Raises:
        ConfigError: A setting does not exist or is not possible, or is another model or folder; the memory does not
            hold the batch; or the processes cannot share those of a step.
        TrainingError: A pattern of groups or of what is frozen matches no parameter, or everything is frozen.
        ZooError: As `build_network`.
    """
    card = find_model(model).card
    name, stride = card.name, max(card.output_stride, card.network_stride)
    official = official_recipe(name)
    said = overrides(file, given)
    for key, named, own in (
        ("model", said.get("model", name), name),
        ("data", overrides(None, given).get("data", str(folder)), str(folder)),
    ):
        if named != own:
            raise ConfigError(
                "The settings say `{key}`: {named!r}, and the command {own!r}.",
                "Leave `{key}` out of the settings, or name the same.",
                key=key,
                named=named,
                own=own,
            )

    def proposed(most: int) -> Configuration:
        place = str(folder.resolve())
        base = propose(official, data.sizes, model=name, data=place, most=most, processes=processes, least=stride)
        base["pretrained"] = pretrained
        # Settings that another run has written down name its own data.
        changed = {**overridden(base, file, given), "data": base["data"]}
        if changed["train"]["batch_size"] == "auto":
            changed["train"]["batch_size"] = base["train"]["batch_size"]
        return changed

    asked = said.get("train", {}).get("batch_size")
    configuration = proposed(official.pictures_per_step if asked == "auto" else official.batch_size)
    check_share(configuration["train"]["accumulate"], processes)
    recipe = recipe_of(configuration, data.class_weights)
    if min(recipe.crop) < stride:
        raise ConfigError(
            "train.crop is {crop:, }, and {model} sees {stride} pixels as one: sides of {stride} or more were "
            "expected.",
            "Leave it out, or give multiples: --set train.crop=[{side},{side}]",
            crop=recipe.crop,
            model=name,
            stride=stride,
            side=4 * stride,
        )
    network = build_network(name, len(data.labels))

    # Not before it is known that paddle is there.
    from zoo.learn.run.begin.batch import measure_need
    from zoo.learn.training.optimizer import check_groups

    check_groups(network, recipe.groups)
    if free is None:
        if asked == "auto":
            raise ConfigError(
                "train.batch_size=auto needs to know how much memory is free, which is told of the processor only.",
                "Give a number: --set train.batch_size=4",
            )
        return configuration, None
    free /= processes
    need = measure_need(network, recipe, configuration["train"]["workers"])
    most, batch = need.most(free), configuration["train"]["batch_size"]
    if batch > most and (not most or asked not in (None, "auto")):
        raise ConfigError(
            "A batch of {batch} pictures of {height}x{width} needs about {need:.1f} GB of memory, and {free:.1f} GB "
            "are free: at most {most}.",
            "Give a smaller train.batch_size, or auto, with train.accumulate for as many pictures a step; or a smaller "
            "train.crop.",
            batch=batch,
            height=recipe.crop[0],
            width=recipe.crop[1],
            need=need.of(batch) / 1e9,
            free=free / 1e9,
            most=most,
        )
    if batch > most:
        configuration = proposed(most)
    batch = configuration["train"]["batch_size"]
    return configuration, Message(
        "A batch of {batch} needs about {need:.2f} GB of memory; {free:.1f} GB are free, enough for {most}.",
        batch=batch,
        need=need.of(batch) / 1e9,
        free=free / 1e9,
        most=most,
    )
