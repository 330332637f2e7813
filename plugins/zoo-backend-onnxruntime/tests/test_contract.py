from collections.abc import Iterator

import pytest

from zoo.testing import BackendContract


@pytest.fixture(scope="module", autouse=True)
def left_in() -> Iterator[None]:
    """zoo's own tests leave this engine out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_DISABLE_PLUGINS", raising=False)
        yield


class TestOnnxRuntime(BackendContract):
    name = "onnxruntime"
