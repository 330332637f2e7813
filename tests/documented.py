"""The clients of the PaddleX tutorial, taken from its text."""

from __future__ import annotations

import html
import re
from pathlib import Path

#: Languages as the tutorial marks them.
LANGUAGES = ("python", "cpp", "java", "go", "csharp", "js", "php")
_EXAMPLE = re.compile(r'<pre><code class="language-(\w+)">(.*?)</code></pre>', re.DOTALL)
_PRINTED = "localhost:8080"


def printed_clients(tutorial: Path, port: int) -> dict[str, str]:
    """Returns the source of each client by its language, as printed but for host and port.

    Args:
        tutorial: The tutorial.
        port: Of the server, on 127.0.0.1.
    """
    text = tutorial.read_text(encoding="utf-8")
    found = {
        language: html.unescape(source)
        for language, source in _EXAMPLE.findall(text[text.index("Multi-Language Service Invocation") :])
    }
    assert set(found) == set(LANGUAGES)
    assert all(source.count(_PRINTED) == 1 for source in found.values())
    return {language: source.replace(_PRINTED, f"127.0.0.1:{port}") for language, source in found.items()}
