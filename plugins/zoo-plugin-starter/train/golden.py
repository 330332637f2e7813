"""Makes the golden inside the wheel: what the network itself makes of the self-test's picture.

    python plugins/zoo-plugin-starter/train/golden.py

Run it after export.py and self_test.py. The network is built anew in its training form and gets the weights of the
export, so no part of the exported program has a say. export.py writes a golden of a larger picture, which this one
replaces: a street drawn by zoo has all classes, and the file is smaller.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
from PIL import Image

import zoo
from zoo.base.digest import file_sha256
from zoo.bundle.golden import FILE, Golden, write_golden
from zoo.bundle.settings_file import SETTINGS, SETTINGS_KIND
from zoo.plugin import Normalize
from zoo.program import read_program
from zoo.segment.transforms import preprocess
from zoo.settings.yaml_text import read_yaml, write_yaml
from zoo_plugin_starter.card import STARTER

#: Heads that only training uses.
_AUXILIARY = ("seg_heads.1.", "seg_heads.2.")
PACKAGE = Path(__file__).resolve().parents[1] / "zoo_plugin_starter"


def trained_network() -> paddle.nn.Layer:
    """Builds the network with the weights of the export."""
    folder = PACKAGE / "bundle"
    exported = read_program(folder / "inference.json", folder / "inference.pdiparams").arrays
    network = zoo.build_network("starter")
    # An export keeps the names that paddle counts in a process; it lacks the auxiliary heads.
    places = {tensor.name: place for place, tensor in network.state_dict().items()}
    missing, _ = network.set_state_dict({places[name]: paddle.to_tensor(exported[name]) for name in exported})
    left = [place for place in missing if not place.startswith(_AUXILIARY)]
    if left:
        raise SystemExit(f"the export has no {', '.join(left)}")
    network.eval()
    return network


def main() -> None:
    """Runs the network and writes the golden, its digest and how it was made."""
    picture = np.asarray(Image.open(PACKAGE / "self_test" / "picture.png"))
    # As much of it as needs no padding, and not resized: that makes it no better a test, and the file larger.
    height, width = (side - side % STARTER.network_stride for side in picture.shape[:2])
    batch = preprocess(picture[:height, :width], (Normalize(),))[0][np.newaxis]
    with paddle.no_grad():
        logits = trained_network()(paddle.to_tensor(batch))[0].numpy()
    folder = PACKAGE / "bundle"
    write_golden(Golden(batch, logits), folder / FILE)
    settings = read_yaml(folder / SETTINGS, SETTINGS_KIND).value
    settings["zoo"]["golden"] = FILE
    settings["zoo"]["golden_made_by"] = (
        f"the network in its training form, by paddlepaddle {paddle.__version__} without a program; its weights were "
        "read from inference.pdiparams"
    )
    settings["zoo"]["sha256"][FILE] = file_sha256(folder / FILE)
    (folder / SETTINGS).write_text(write_yaml(settings), encoding="utf-8")
    print(f"{folder / FILE}: {(folder / FILE).stat().st_size} bytes, input {batch.shape}, logits {logits.shape}")


if __name__ == "__main__":
    main()
