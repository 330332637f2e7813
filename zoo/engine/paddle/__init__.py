"""The paddle engine, as the plugin `paddle` of zoo-core."""

from zoo.engine.paddle.backend import PaddleBackend, zoo_backends

__all__ = ["PaddleBackend", "zoo_backends"]
