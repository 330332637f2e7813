"""Requests made from the OpenAPI document: no answer is 500, and each is one that the document tells of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from serving import Serving

# Hundreds of requests: `make test-serve`.
pytestmark = pytest.mark.full


def test_requests_made_from_the_document_get_answers_it_tells_of(zoo_home: object, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("schemathesis")
    if not command.exists():
        pytest.skip("schemathesis is not installed: pip install schemathesis")
    # Schemas cannot say which bytes are a picture, nor which names the models have.
    words = ["--max-examples", "30", "--seed", "1", "--exclude-checks", "positive_data_acceptance", "--no-color"]
    with Serving("--workers", 1) as server:
        done = subprocess.run(
            [command, "run", server.url("/openapi.json"), *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
