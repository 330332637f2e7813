"""Pipelines: a model and its options, from a file or by name."""

from zoo.predict.pipeline.config import PipelineConfig
from zoo.predict.pipeline.pipeline import Pipeline, create_pipeline, load_model, load_predictor, open_pipeline
from zoo.predict.pipeline.read import builtin_file, read_pipeline

__all__ = [
    "Pipeline",
    "PipelineConfig",
    "builtin_file",
    "create_pipeline",
    "load_model",
    "load_predictor",
    "open_pipeline",
    "read_pipeline",
]
