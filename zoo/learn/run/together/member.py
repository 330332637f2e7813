"""What each process of a run does: `python -m zoo.learn.run.together.member RUN PRIVATE PARENT DEVICE...`.

The first one carries the run out; the others follow it. What the one that started them must know goes into files of the
private folder: how the run ended, or why it could not go on.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from zoo.base.host import HOST
from zoo.errors import ZooError
from zoo.learn.place import own_device
from zoo.learn.run.kept.data_file import DATA, read_data
from zoo.learn.run.run_folder import RunFolder

#: Files of the private folder.
STOP, OUTCOME, FAULT = "stop", "outcome.json", "fault.json"


def train_as_member(run: str, private: str, parent: str, *devices: str) -> int:
    """Returns the exit code."""
    folder, place = RunFolder(Path(run)), Path(private)
    with HOST.undisturbed():
        import paddle
        from paddle import distributed

        from zoo.learn.run.carry_out import carry_out, follow
        from zoo.learn.training.process_group import ProcessGroup

    paddle.set_device(own_device(devices))
    distributed.init_parallel_env()
    team = ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    try:
        data = read_data(place / DATA, Path(folder.configuration()["data"]))
        if team.rank:
            follow(folder, data, team)
            return 0
        with folder.held():
            outcome = carry_out(
                folder, data, stop=lambda: (place / STOP).exists() or not _lives(int(parent)), team=team
            )
    except ZooError as error:
        told = [type(error).__name__, error.message, error.hint]
        (place / f"{team.rank}-{FAULT}").write_text(json.dumps(told), encoding="utf-8")
        return 1
    (place / OUTCOME).write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    return 0


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(train_as_member(*sys.argv[1:]))
