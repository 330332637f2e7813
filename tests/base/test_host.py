"""The program that uses zoo keeps its signals and its logging when a model is loaded; the real ones, in a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo.bundle.bundle import Bundle

#: What a host has: logging, a handler in Python, one in C (faulthandler takes SIGSEGV and others).
_HOST = """
import faulthandler, logging, os, signal, sys
sys.stderr.flush()
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s says %(message)s")
faulthandler.enable()
signal.signal(signal.SIGTERM, lambda *_: print("told to end", flush=True))

def state():
    root = logging.getLogger()
    caught = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
    # The C library takes 32 and 33 for itself once there are threads.
    signals = [number for number in range(1, 32) if int(caught.split()[1], 16) >> number - 1 & 1]
    return signals, root.level, root.propagate, root.handlers[:]

before = state()
"""
_AFTER = """
assert state() == before, (before, state())
logging.getLogger("host").info("still there")
logging.getLogger("zoo.engine").warning("once")
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGSEGV)
"""
#: Ways by which paddle comes in.
_WAYS = {
    "load": "import zoo; zoo.load(sys.argv[1], threads=1)",
    "thread": "import threading, zoo; t = threading.Thread(target=zoo.load, args=sys.argv[1:]); t.start(); t.join()",
    "network": "import zoo; zoo.build_network('PP-LiteSeg-T')",
    "training": "import zoo.learn.training",
}


@pytest.mark.parametrize("way", _WAYS)
def test_signals_and_logging_of_the_host_are_as_before(way: str, bundle: Bundle, engines: Path) -> None:
    code = f"{_HOST}{_WAYS[way]}\n{_AFTER}"
    ended = subprocess.run([sys.executable, "-c", code, bundle.folder], capture_output=True, text=True, timeout=120)
    lines = ["host says still there", "zoo.engine says once", "told to end"]
    assert [line for line in ended.stdout.splitlines() if "paddle" not in line] == lines, ended.stderr
    assert ended.returncode == -11
    assert "Fatal Python error: Segmentation fault" in ended.stderr
    assert "C++ Traceback" not in ended.stdout + ended.stderr


def test_logging_that_is_set_up_after_a_model_was_loaded_works(bundle: Bundle, engines: Path) -> None:
    code = (
        "import logging, sys, zoo; zoo.load(sys.argv[1], threads=1)\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout)\n"
        "logging.getLogger('host').info('heard')"
    )
    ended = subprocess.run([sys.executable, "-c", code, bundle.folder], capture_output=True, text=True, timeout=120)
    assert ended.stdout == "INFO:host:heard\n", ended.stderr


@pytest.mark.parametrize(("sent", "ends"), [("SIGINT", "Interrupted"), ("SIGTERM", "Terminated")])
@pytest.mark.parametrize("when", ["paddle.base", "paddle.vision"])
def test_an_interruption_of_the_import_is_one_and_the_import_is_whole(sent: str, ends: str, when: str) -> None:
    """It waits for the end of the import: from inside it came out as "paddlepaddle cannot be imported"."""
    code = f"""
import signal, sys
from importlib.abc import MetaPathFinder
from zoo.base.host import HOST
from zoo.base.signals import answer_signals
signal.signal(signal.SIGINT, signal.default_int_handler)
class Now(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {when!r}:
            signal.raise_signal(signal.{sent})
answer_signals()
try:
    with HOST.undisturbed():
        sys.meta_path.insert(1, Now())
        import paddle
except BaseException as error:
    print(type(error).__name__, hasattr(paddle, "to_tensor"))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.stdout == f"{ends} True\n", ended.stderr
