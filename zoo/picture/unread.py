"""Pictures that zoo does not read: what they are called, so that nobody misses them in silence."""

from __future__ import annotations

import re

from zoo.message import Message

#: How many first bytes `unread_kind` needs.
HEAD_BYTES = 132

_RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".gpr", ".iiq", ".kdc", ".mef", ".mrw", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
# "mif1" leaves open what follows.
_HEIC = re.compile(rb".{4}ftyp(?:hei[cfmsx]|hev[cmx]|mif1(?!.{4}(?:.{4}){0,3}avi[fs]))", re.DOTALL)
_KINDS: tuple[tuple[str, tuple[str, ...], re.Pattern[bytes] | None], ...] = (
    ("HEIC", (".heic", ".heif", ".hif"), _HEIC),
    (Message("camera raw"), _RAW, re.compile(rb"FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|.{4}ftypcrx |FOVb", re.DOTALL)),
    ("DICOM", (".dcm", ".dicom"), re.compile(rb".{128}DICM", re.DOTALL)),
    ("JPEG XL", (".jxl",), re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ")),
    ("Photoshop", (".psd", ".psb"), re.compile(rb"8BPS")),
    ("OpenEXR", (".exr",), re.compile(rb"v/1\x01")),
    ("Radiance", (), re.compile(rb"#\?(?:RADIANCE|RGBE)")),
    ("FITS", (".fits",), re.compile(rb"SIMPLE  =")),
    ("NIfTI", (".nii", ".nii.gz"), None),
    (Message("microscope"), (".czi", ".lif", ".nd2", ".oib", ".mrxs"), None),
    ("ECW", (".ecw",), None),
    ("JPEG-LS", (".jls",), None),
    ("Targa", (".tga",), None),
    (Message("drawing"), (".svg", ".eps", ".xcf"), re.compile(rb"%!PS-Adobe|gimp xcf ")),
)


def unread_kind(head: bytes, path: str = "") -> str:
    """Returns what kind of picture that zoo does not read a file is, or "".

    Args:
        head: Its first `HEAD_BYTES` bytes.
        path: Its name, of which the suffix tells; camera raw, for instance, begins as TIFF does.
    """
    name = path.lower()
    return next((kind for kind, ends, magic in _KINDS if name.endswith(ends) or (magic and magic.match(head))), "")
