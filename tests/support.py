"""Real small things tests are made of."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any, Literal

from zoo.hub.bundle import Bundle
from zoo.labels import LabelSet
from zoo.spec import Artifact, ModelCard

#: Where the newest official files of PP-LiteSeg-T are, below the publisher's host.
ARCHIVE = "/paddlex/official_inference_model/paddle3.0.0/PP-LiteSeg-T_infer.tar"
CHECKPOINT = "/paddlex/official_pretrained_model/PP-LiteSeg-T_pretrained.pdparams"


def small_network(num_classes: int = 7) -> Any:
    """A PP-LiteSeg of an eighth of the usual width whose random weights make many classes win somewhere."""
    import paddle

    from zoo_plugin_pp_liteseg.network import PPLiteSeg

    paddle.seed(3)
    return PPLiteSeg(num_classes, 3, (1, 1, 1), (16, 16, 16), (16, 16, 16), width=8, context_channels=16)


def export_small(folder: Path, labels: LabelSet, compat: Literal["zoo", "paddlex"] = "zoo") -> Bundle:
    """Exports the small network."""
    from zoo.export import export_bundle

    return export_bundle(small_network(len(labels)), folder, model="small", labels=labels, compat=compat)


def stock(home: Path, card: ModelCard, folder: Path) -> Path:
    """Puts an export folder into the cache as the inference files of a model, as a download would."""
    import shutil

    from zoo.hub.manifest import FILES
    from zoo.hub.records import Record, Wanted, now
    from zoo.hub.store import Store

    assert isinstance(card.weights, Artifact)
    wanted, store = Wanted(card.name, "inference", card.weights), Store(home)
    store.prepare()
    scratch = store.scratch(wanted.key)
    shutil.copytree(folder, scratch / FILES)
    tree, _ = store.keep(scratch)
    store.write_record(
        Record(wanted.key, card.name, "inference", card.weights.urls[0], 1000, "ab" * 32, tree, "download", now())
    )
    return store.trees / tree / FILES


def packed(folder: Path, top: str = "PP-LiteSeg-T_infer") -> bytes:
    """Returns a tar with the files of a folder below a top folder, as official archives are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, f"{top}/{path.name}")
    return buffer.getvalue()
