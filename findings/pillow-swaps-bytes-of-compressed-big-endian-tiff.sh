#!/usr/bin/env bash
# Pillow 13.0.0: the values of a compressed big-endian TIFF of int16, int32 or float32 come out with their bytes in the wrong
# order.
#
# Expected: the order of the bytes of a TIFF ("MM" in its head) changes nothing of its values, compressed or not.
# Seen:     uint16 is right in every form, and so are int16, int32 and float32 uncompressed or little-endian. With
#           compression (deflate here) and in big-endian order each value is that of its reversed bytes: 1 becomes 256 as
#           int16. Nothing is raised or logged; heights, temperatures and radar data look like noise or like black.
# So:       look at the head of the file and swap, or read such files with tifffile, whose values are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -q "pillow==13.0.0" "tifffile>=2025.1" "numpy<3" || exit 2
cd "$folder"
cat > swapped.py <<'PYTHON'
import sys

import numpy as np
import PIL
import tifffile
from PIL import Image

print("pillow", PIL.__version__, "tifffile", tifffile.__version__)
as_stated = True
for kind in ("uint16", "int16", "int32", "float32"):
    values = (100 * np.arange(12).reshape(3, 4) + 1).astype(kind)
    for compression in (None, "zlib"):
        for order, name in (("<", "little-endian"), (">", "big-endian")):
            tifffile.imwrite("values.tif", values, byteorder=order, compression=compression)
            assert np.array_equal(tifffile.imread("values.tif"), values)
            with Image.open("values.tif") as picture:
                seen = np.asarray(picture)
            swapped = np.array_equal(seen, values.byteswap())
            right = np.array_equal(seen, values)
            wrong = kind != "uint16" and compression is not None and order == ">"
            as_stated &= swapped if wrong else right
            said = "right" if right else "bytes reversed" if swapped else "something else"
            print(f"{kind:<8}{compression or 'uncompressed':<13}{name:<14}{said}")
print("as stated" if as_stated else "changed")
sys.exit(0 if as_stated else 1)
PYTHON
timeout 120 "$folder/venv/bin/python" swapped.py
