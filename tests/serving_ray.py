"""The server of `zoo serve` in Ray Serve, started with the options of the command, for the tests of both.

python serving_ray.py --port 0 --workers 1 --max-body 2M --backend onnxruntime
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sys
from typing import Any

import click

from zoo.cli.options import Size

_SWITCHES = {"--port", "--host"}


def _arguments(words: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    models: list[str] = []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            models.append(word)
        elif word not in _SWITCHES:
            name, value = word[2:].replace("-", "_"), words.pop(0)
            if name in ("max_body", "memory"):
                given[name] = Size().convert(value, None, None)
            elif name == "api_key_file":
                os.environ["ZOO_API_KEY"] = open(value, encoding="utf-8").read().strip()  # noqa: SIM115
            else:
                given[{"allow_url": "allow_urls", "allow_origin": "allow_origins"}.get(name, name)] = (
                    (value,) if name.startswith("allow_") else value
                )
        else:
            words.pop(0)
    return {**given, "models": models or ["starter"]}


def main() -> None:
    """Serves until SIGTERM."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray
    from ray import serve

    from zoo.distributed.serving import app

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = _arguments(sys.argv[1:])
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(app(arguments), route_prefix="/")
    click.echo(f"Serving {', '.join(arguments['models'])} on http://127.0.0.1:{port}", err=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
