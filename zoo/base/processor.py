"""What the processor is: results of an engine hold for its kind, and compiled code runs on its kind only."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
# Engines choose their kernels by these.
_TELLING = ("avx", "amx", "fma", "sve", "asimd", "bf16", "i8mm", "vnni")


@cache
def processor() -> str:
    """Returns name and vector instructions of the processor, such as "AMD EPYC 9B14, avx avx2 avx512f fma"."""
    lines = _cpuinfo()
    name = lines.get("model name") or platform.processor() or platform.machine()
    flags = (lines.get("flags") or lines.get("Features") or "").split()
    return ", ".join(
        filter(None, (name, " ".join(sorted(flag for flag in flags if any(part in flag for part in _TELLING)))))
    )


def _cpuinfo() -> dict[str, str]:
    """Returns what Linux says of the first core."""
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    fields = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in fields}
