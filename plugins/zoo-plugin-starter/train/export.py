"""Exports the newest checkpoint of a run of train.py as the bundle inside the wheel.

python plugins/zoo-plugin-starter/train/export.py --run RUN_FOLDER [--output FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import paddle

from starter import LABELS, NETWORK_STRIDE, PREPROCESS, build_network
from zoo.errors import CheckpointError
from zoo.learn.export import export_bundle
from zoo.learn.training import newest_checkpoint

INSIDE = Path(__file__).resolve().parents[1] / "zoo_plugin_starter" / "bundle"


def main() -> None:
    """Reads the arguments and exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--output", type=Path, default=INSIDE, help="where to write; the folder inside the plugin if not given"
    )
    arguments = parser.parse_args()
    checkpoint = newest_checkpoint(arguments.run)
    if checkpoint is None:
        raise CheckpointError(f"{arguments.run} holds no checkpoint.", "Run train.py first.")
    network = build_network()
    network.set_state_dict({name: paddle.to_tensor(value) for name, value in checkpoint.average.items()})
    if arguments.output == INSIDE:
        shutil.rmtree(INSIDE, ignore_errors=True)
    bundle = export_bundle(
        network,
        arguments.output,
        model="starter",
        labels=LABELS,
        preprocess=PREPROCESS,
        network_stride=NETWORK_STRIDE,
    )
    print(f"iteration {checkpoint.iteration} -> {bundle.folder}")


if __name__ == "__main__":
    main()
