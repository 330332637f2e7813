"""Pipelines: a model and its options, from a file or by name."""

from zoo.pipeline.config import PipelineConfig
from zoo.pipeline.pipeline import Pipeline, create_pipeline, load_model, open_pipeline
from zoo.pipeline.read import builtin_file, read_pipeline

__all__ = [
    "Pipeline",
    "PipelineConfig",
    "builtin_file",
    "create_pipeline",
    "load_model",
    "open_pipeline",
    "read_pipeline",
]
