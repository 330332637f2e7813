#!/usr/bin/env bash
# paddlepaddle 3.2.2: the worker processes of `paddle.io.DataLoader` stay for ever when the program that trains is killed.
#
# Expected: workers look now and then whether their program is still there, and end when it is not: paddle has a watch dog
#           for it, and an interval of five seconds.
# Seen:     20 seconds after a SIGKILL (what the kernel does where memory is short) the workers are still there, each with
#           its memory, and wait. The interval is passed to `Queue.get` as its first argument, which is `block`: the wait for
#           the next batch has no end, and the watch dog is not asked before it.
# So:       give `worker_init_fn` a thread that ends the worker when `os.getppid()` changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -q "paddlepaddle==3.2.2" "numpy<3" setuptools || exit 2
cd "$folder"
cat > program.py <<'PYTHON'
import os
import time

import numpy as np
import paddle


class Numbers(paddle.io.Dataset):
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        return np.float32(index)


def note(worker):
    with open(f"worker{worker}.pid", "w") as file:
        file.write(str(os.getpid()))


if __name__ == "__main__":
    batches = iter(paddle.io.DataLoader(Numbers(), batch_size=2, num_workers=2, worker_init_fn=note))
    next(batches)
    print("ready", flush=True)
    time.sleep(120)
PYTHON
cat > watch.py <<'PYTHON'
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import paddle


def alive(pid):
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


print("paddlepaddle", paddle.__version__)
program = subprocess.Popen([sys.executable, "-W", "ignore", "program.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
assert program.stdout.readline() == b"ready\n"
workers = [int(path.read_text()) for path in sorted(Path().glob("worker*.pid"))]
program.kill()
program.wait()
time.sleep(20)
left = [pid for pid in workers if alive(pid)]
for pid in left:
    os.kill(pid, signal.SIGKILL)
print(f"{len(workers)} workers; 20 seconds after the program was killed {len(left)} are still there")
sys.exit(0 if len(workers) == len(left) == 2 else 1)
PYTHON
timeout 180 "$folder/venv/bin/python" -W ignore watch.py
