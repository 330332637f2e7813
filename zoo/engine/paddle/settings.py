"""The ways in which paddle.inference can run a program on a CPU, best first.

Which of them work depends on the version of paddlepaddle and on the program: 3.3.0 and 3.3.1 fail in oneDNN on every
bilinear operation of a PIR program, while 3.2.2 runs them. So they are tried, never assumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.engine.paddle.onednn import CAPACITY
from zoo.message import Message

#: Names of the settings, fastest first (PP-LiteSeg-T, 512x1024, paddlepaddle 3.2.2, 2 cores: 1 to 1.7 to 3).
SETTINGS = ("oneDNN", "oneDNN without placement pass", "plain")
#: The setting that the others are compared with.
PLAIN = SETTINGS[-1]
#: Where a device fails: what it says, such as "the error code is : 2", is its vendor's.
DEVICE_HINT = Message(
    "See whether its memory is enough and its driver well: zoo devices --probe  (or use device='cpu')"
)


def clean_config(program: Path, params: Path) -> Any:
    """Returns a `paddle.inference.Config` without a setting of any device.

    Its `device_number` is that of the device it was pointed at, and None as long as it would run on the processor:
    paddle's own does not tell (3.2.2, 3.3.1), but for a GPU.

    Args:
        program: `inference.json` or a `.pdmodel` file.
        params: Its `.pdiparams` file.
    """
    from paddle.inference import Config

    class AskedConfig(Config):
        device_number: int | None = None

        def enable_use_gpu(self, memory: int, device_id: int = 0, *arguments: Any, **options: Any) -> None:
            super().enable_use_gpu(memory, device_id, *arguments, **options)
            # A build without GPU takes it for nothing.
            if not self.use_gpu():
                raise RuntimeError(Message("the installed paddle is built without GPU"))
            self.device_number = device_id

        def enable_xpu(self, *arguments: Any, **options: Any) -> None:
            super().enable_xpu(*arguments, **options)
            self.device_number = 0

        def set_xpu_device_id(self, device_id: int = 0) -> None:
            super().set_xpu_device_id(device_id)
            self.device_number = device_id

        def enable_custom_device(self, kind: str, device_id: int = 0, *arguments: Any, **options: Any) -> None:
            super().enable_custom_device(kind, device_id, *arguments, **options)
            self.device_number = device_id

        def disable_gpu(self) -> None:
            super().disable_gpu()
            self.device_number = None

    config = AskedConfig(str(program), str(params))
    config.disable_glog_info()
    # On by default.
    config.disable_mkldnn()
    return config


def make_config(program: Path, params: Path, setting: str, threads: int) -> Any:
    """Returns a `paddle.inference.Config` for the CPU.

    Args:
        program: `inference.json` or a `.pdmodel` file.
        params: Its `.pdiparams` file.
        setting: One of `SETTINGS`.
        threads: Threads of the math library.
    """
    config = clean_config(program, params)
    set_cpu(config, setting, threads)
    return config


def set_cpu(config: Any, setting: str, threads: int) -> None:
    """Sets a `paddle.inference.Config` up for the CPU.

    Args:
        config: It points at the CPU.
        setting: One of `SETTINGS`.
        threads: Threads of the math library.
    """
    config.set_cpu_math_library_num_threads(threads)
    if setting == PLAIN:
        return
    config.enable_mkldnn()
    # Every new input shape adds primitives to oneDNN's cache, which grows without end by default.
    config.set_mkldnn_cache_capacity(CAPACITY)
    if setting == "oneDNN without placement pass":
        config.delete_pass("onednn_placement_pass")
