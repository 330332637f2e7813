"""Exports the best checkpoint of a run of `zoo train starter` as the folder inside the wheel.

python plugins/zoo-plugin-starter/train/export.py --run RUN_FOLDER [--output FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from zoo.learn.delivery.deliver import export_run
from zoo.learn.run.run_folder import RunFolder
from zoo.plugin import Pad
from zoo_plugin_starter.card import STARTER

INSIDE = Path(__file__).resolve().parents[1] / "zoo_plugin_starter" / "bundle"


def main() -> None:
    """Reads the arguments and exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--output", type=Path, default=INSIDE, help="where to write; the folder inside the plugin if not given"
    )
    arguments = parser.parse_args()
    if arguments.output == INSIDE:
        shutil.rmtree(INSIDE, ignore_errors=True)
    # The padding is added by the export.
    steps = [step for step in STARTER.preprocess if not isinstance(step, Pad)]
    exported = export_run(RunFolder(arguments.run), arguments.output, labels=STARTER.labels, preprocess=steps)
    print(exported.unmeasured or f"{exported.bundle.folder}: {exported.bundle.evaluation}")


if __name__ == "__main__":
    main()
