"""Many machines, through Ray: nothing else of zoo imports it, and this package has no cluster code of its own.

    cluster       a running cluster is joined, or one of this machine begun for the run
    listing       sources are listed once; every picture gets its place, the same as on one machine
    parts         Ray Data takes the parts of the list to actors that hold one model each; what is lost is run again
    predicting    pictures to files and results without pixels
    evaluating    counts of parts add up to those of the whole
    giant_tiff    strips of one picture
    serving       the HTTP interface of `zoo serve` in Ray Serve

Paths go out and figures come back: no pixel passes Ray's object store, but for the label maps of a giant TIFF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.distributed.evaluating import evaluate
    from zoo.distributed.giant_tiff import predict_tiff
    from zoo.distributed.predicting import ClusterPredictions, predict
    from zoo.distributed.saved_result import SavedResult

__all__ = ["ClusterPredictions", "SavedResult", "evaluate", "predict", "predict_tiff"]

_HOMES = {
    "ClusterPredictions": "predicting",
    "SavedResult": "saved_result",
    "evaluate": "evaluating",
    "predict": "predicting",
    "predict_tiff": "giant_tiff",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
