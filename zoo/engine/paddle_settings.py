"""The ways in which paddle.inference can run a program on a CPU, best first.

Which of them work depends on the version of paddlepaddle and on the program: 3.3.0 and 3.3.1 fail in oneDNN on every
bilinear operation of a PIR program, while 3.2.2 runs them. So they are tried, never assumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Names of the settings, fastest first (PP-LiteSeg-T, 512x1024, paddlepaddle 3.2.2, 2 cores: 1 to 1.7 to 3).
SETTINGS = ("oneDNN", "oneDNN without placement pass", "plain")
#: The setting that the others are compared with.
PLAIN = SETTINGS[-1]


def make_config(program: Path, params: Path, setting: str, threads: int) -> Any:
    """Returns a `paddle.inference.Config` for the CPU.

    Args:
        program: `inference.json` or a `.pdmodel` file.
        params: Its `.pdiparams` file.
        setting: One of `SETTINGS`.
        threads: Threads of the math library.
    """
    from paddle.inference import Config

    config = Config(str(program), str(params))
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(threads)
    if setting == PLAIN:
        config.disable_mkldnn()
        return config
    config.enable_mkldnn()
    # Every new input shape adds primitives to oneDNN's cache, which grows without end by default.
    config.set_mkldnn_cache_capacity(10)
    if setting == "oneDNN without placement pass":
        config.delete_pass("onednn_placement_pass")
    return config
