"""LitServe's side of serve.py and serve_faults.py: `zoo.load` behind its server, in its environment.

python benchmarks/serving_litserve.py BUNDLE PORT WORKERS
"""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import litserve
from PIL import Image

import zoo


class Segmenting(litserve.LitAPI):
    """A model of zoo, as LitServe's documentation writes such a class."""

    def __init__(self, bundle: str) -> None:
        super().__init__()
        self.bundle = bundle

    def setup(self, device: str) -> None:
        """Opens the model in a worker."""
        self.model = zoo.load(self.bundle, backend="onnxruntime", threads=1)

    # Without a type: FastAPI would look for the name that stands in the annotation, and answer 422.
    def decode_request(self, request):
        """Takes the picture out of the JSON."""
        return base64.b64decode(request["image"])

    def predict(self, picture: bytes) -> Any:
        """Segments it."""
        return self.model.predict(picture).one()

    def encode_response(self, result: Any) -> dict[str, str]:
        """Makes a PNG with the palette of the label map, in base64."""
        buffer = io.BytesIO()
        picture = Image.fromarray(result.mask)
        picture.putpalette(result.color_table().tobytes())
        picture.save(buffer, "PNG")
        return {"mask": base64.b64encode(buffer.getvalue()).decode("ascii")}


if __name__ == "__main__":
    bundle, port, workers = sys.argv[1:]
    server = litserve.LitServer(
        Segmenting(bundle), accelerator="cpu", devices=1, workers_per_device=int(workers), timeout=120
    )
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="error")
