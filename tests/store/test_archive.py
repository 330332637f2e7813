"""Unpacking model archives: whole ones arrive byte by byte, damaged and hostile ones leave no trace."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import logging
import lzma
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zoo.errors import ArchiveError, CacheError, UnsafeArchiveError
from zoo.store.archive import ArchiveLimits, unpack

BLOCK = 512
END = bytes(2 * BLOCK)
MODEL = {"M/inference.yml": b"mode: x\n" * 30, "M/inference.pdmodel": random.Random(1).randbytes(3000)}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
KINDS = [*COMPRESS, "zip", "zip stored"]


def entry(name: str, data: bytes = b"", *, form: int = tarfile.GNU_FORMAT, **fields: object) -> bytes:
    """One member of a tar, as tarfile writes it; `size` may lie."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(form, "utf-8", "surrogateescape") + padded(data)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def pax(records: dict[str, str | bytes], kind: bytes = b"x") -> bytes:
    """An extended header with just these records."""
    lines = b""
    for key, value in records.items():
        body = b" " + key.encode() + b"=" + (value if isinstance(value, bytes) else value.encode()) + b"\n"
        size = next(n for n in itertools.count(len(body)) if n == len(body) + len(str(n)))
        lines += str(size).encode() + body
    return entry("PaxHeader", lines, form=tarfile.USTAR_FORMAT, type=kind)


def resealed(block: bytes) -> bytes:
    """A header whose checksum is right again."""
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


def local(name: bytes, data: bytes, *, flags: int = 0x800, method: int = 0, crc: int | None = None, size: int = -1):
    """The header of a member of a zip with its data; `data` are stored as they are."""
    crc = zlib.crc32(data) if crc is None else crc
    size = len(data) if size < 0 else size
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 33, crc, len(data), size, len(name), 0)
    return head + name + data


def listing(name: bytes, data: bytes, offset: int, *, flags: int = 0x800, method: int = 0, crc: int | None = None,
            size: int = -1, mode: int = 0o100644) -> bytes:  # fmt: skip
    """The line of the same member in the list at the end."""
    crc = zlib.crc32(data) if crc is None else crc
    size = len(data) if size < 0 else size
    head = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x314, 20, flags, method, 0, 33, crc, len(data), size, len(name),
                       0, 0, 0, 0, mode << 16, offset)  # fmt: skip
    return head + name


def zip_of(*members: tuple[bytes, bytes, dict[str, int]]) -> bytes:
    """A zip of (name, data, what lies)."""
    body, lines = b"", b""
    for name, data, lies in members:
        lines += listing(name, data, len(body), **lies)
        body += local(name, data, **{key: value for key, value in lies.items() if key != "mode"})
    return closed(body, lines, len(members))


def closed(body: bytes, lines: bytes, count: int) -> bytes:
    return body + lines + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(lines), len(body), 0)


def deflated(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def pack(files: dict[str, bytes], kind: str) -> bytes:
    """An honest archive, written by the standard library."""
    buffer = io.BytesIO()
    if kind.startswith("zip"):
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if "stored" in kind else zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return COMPRESS[kind](buffer.getvalue())


def everything(folder: Path) -> dict[str, object]:
    """All that is below a folder: files with their bytes, folders, and where links lead."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        kind = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = kind
    return found


def stored(tmp_path: Path, content: bytes) -> tuple[Path, Path]:
    """An archive two folders deep, so that members that lead out of it stay visible, and where to unpack it."""
    cache = tmp_path / "outer" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / "model.tar"
    archive.write_bytes(content)
    return archive, cache / "model"


def refused(tmp_path: Path, content: bytes, error: type[ArchiveError] = UnsafeArchiveError, match: str | None = None,
            limits: ArchiveLimits | None = None) -> str:  # fmt: skip
    """Checks that an archive is refused by exactly this class, by its name, and leaves nothing; returns the message."""
    archive, folder = stored(tmp_path, content)
    before = everything(tmp_path)
    with pytest.raises(error, match=match) as caught:
        unpack(archive, folder, limits or ArchiveLimits())
    assert type(caught.value) is error
    assert everything(tmp_path) == before
    assert str(archive) in caught.value.message
    assert caught.value.hint
    assert str(caught.value).isprintable() or str(caught.value).count("\n") == 1
    return caught.value.message


def unpacked(tmp_path: Path, content: bytes) -> dict[str, bytes]:
    """Unpacks what must be fine; returns the files, and removes them again."""
    archive, folder = stored(tmp_path, content)
    names = unpack(archive, folder)
    files = {name: (folder / name).read_bytes() for name in names}
    assert list(names) == sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert {p.name for p in folder.parent.iterdir()} == {"model", "model.tar"}
    shutil.rmtree(folder)
    return files


def stripped(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name.partition("/")[2]: data for name, data in files.items()}


def tree(seed: int) -> dict[str, bytes]:
    """Random files below two top folders, some deep, some with long names, some empty, one of 1.5 MB."""
    rng = random.Random(seed)
    letters = "abcXYZ019 _-.()+é模型ßñ"
    files = {"a/big": rng.randbytes(1_500_000), "b/empty": b""}
    for index in range(rng.randint(5, 20)):
        parts = ["".join(rng.choices(letters, k=rng.randint(1, 40))) + str(index) for _ in range(rng.randint(1, 6))]
        files["/".join(parts)] = rng.randbytes(rng.choice([0, 1, 511, 512, 513, 70_000]))
    return files


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_any_tree_arrives_as_it_was_packed(tmp_path: Path, kind: str, seed: int) -> None:
    files = tree(seed)
    assert unpacked(tmp_path, pack(files, kind)) == files


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_archives_of_the_tar_command_arrive_in_every_format(tmp_path: Path, form: str) -> None:
    files = {f"M/{'d' * 40}/{index}": random.Random(index).randbytes(700 * index) for index in range(5)}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    made = subprocess.run(
        ["tar", f"--format={form}", "-c", "-C", tmp_path, "./M"], stdout=subprocess.PIPE, check=True
    ).stdout
    assert unpacked(tmp_path, made) == stripped(files)


def test_zip_of_a_stream_and_zip64_arrive(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        content = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.content += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (name, data) in enumerate(MODEL.items()):
            with archive.open(name, "w", force_zip64=index == 1) as file:
                file.write(data)
        archive.comment = b"a comment"
    assert unpacked(tmp_path, pipe.content) == stripped(MODEL)


def test_one_top_folder_is_taken_off_once_and_only_if_all_files_lie_in_it(tmp_path: Path) -> None:
    assert set(unpacked(tmp_path, pack({"M/N/a": b"", "./M/N/b": b""}, "tar"))) == {"N/a", "N/b"}
    assert set(unpacked(tmp_path, pack({"M/a": b"", "b": b""}, "tar"))) == {"M/a", "b"}
    assert set(unpacked(tmp_path, pack({"M": b""}, "zip"))) == {"M"}
    empty = entry("other/", type=tarfile.DIRTYPE)
    assert set(unpacked(tmp_path, entry("./", type=tarfile.DIRTYPE) + empty + entry("M/a") + END)) == {"a"}


def test_files_of_macos_are_left_out_with_a_note_and_look_alikes_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    litter = {
        "._M": b"\0\5\x16\7 fork",
        "__MACOSX/M/._a": b"\0\5\x16\7",
        "M/.DS_Store": b"\0\0\0\1Bud1" + bytes(2_000_000),
    }
    kept = {"M/a": b"1", "M/._b": b"weights", "M/.hidden": b"2"}
    with caplog.at_level(logging.INFO, "zoo"):
        assert unpacked(tmp_path, pack({**litter, **kept}, "zip stored")) == stripped(kept)
    assert len(caplog.records) == len(litter)
    assert all(name in caplog.text for name in litter)
    refused(tmp_path, pack(litter, "tar"), ArchiveError, "no files")


def test_modes_and_owners_are_ignored(tmp_path: Path) -> None:
    content = entry("M/", type=tarfile.DIRTYPE, mode=0, uid=12345) + entry("M/a/b", b"1", mode=0, uid=12345, gid=7)
    archive, folder = stored(tmp_path, content + entry("M/c", b"2", mode=0o7 * 0o100 + 0o1000) + END)
    old = os.umask(0o077)
    try:
        unpack(archive, folder)
    finally:
        os.umask(old)
    for path in [folder, *folder.rglob("*")]:
        assert path.stat().st_mode & 0o7777 == (0o755 if path.is_dir() else 0o644)
        assert path.stat().st_uid == os.getuid()


def test_a_pickle_in_an_archive_is_bytes_like_any_other(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'marker'}",)

    info = pickle.dumps(Runs())
    assert unpacked(tmp_path, pack({"M/inference.pdiparams.info": info}, "gz")) == {"inference.pdiparams.info": info}
    assert not (tmp_path / "marker").exists()


# ---------------------------------------------------------------------------------------------------- names

BAD_NAMES = [
    "../evil", "/abs", "M/../../evil", "M/..", "..", "//M/a", "M//a", "M/a/", "a\\b", "..\\evil", "C:/a", "C:a",
    "./c:a", "M/\x07bell", "M/a\nb", "M/a\x1b[31m", "M/\u202egpj.exe", "M/\x7f", ".", "./", "M/" + "x" * 256, "é" * 128,
    "/".join("x" * 33), "/".join(["x" * 100] * 11),
]  # fmt: skip


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: ascii(name[:20]))
def test_a_file_with_a_name_that_leads_elsewhere_is_refused_in_a_tar(tmp_path: Path, name: str, form: int) -> None:
    refused(tmp_path, entry("M/a", b"1") + entry(name, b"2", form=form, type=tarfile.REGTYPE) + END)


@pytest.mark.parametrize("name", [*BAD_NAMES, "M/\0", ""], ids=lambda name: ascii(name[:20]))
def test_a_file_with_a_name_that_leads_elsewhere_is_refused_in_a_zip(tmp_path: Path, name: str) -> None:
    refused(tmp_path, zip_of((b"M/a", b"1", {}), (name.encode(), b"2", {})))


@pytest.mark.parametrize("name", ["../evil/", "/", "/abs/", "M/../../evil/", "C:/"])
def test_a_folder_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, entry("M/a", b"1") + entry(name, type=tarfile.DIRTYPE) + END)
    refused(tmp_path, zip_of((b"M/a", b"1", {}), (name.encode(), b"", {"mode": 0o040755})))


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    for content in (
        entry("M/\udcff") + END,
        pax({"path": b"M/\xff"}) + entry("M/a") + END,
        zip_of((b"M/\xff", b"", {})),
        zip_of((b"M/\x82", b"", {"flags": 0})),
    ):
        assert "not UTF-8" in refused(tmp_path, content)


def test_names_at_the_limits_arrive(tmp_path: Path) -> None:
    names = ["x" * 255, "/".join("y" * 32), "/".join(["z" * 250] * 4)]
    for kind in ("tar", "zip"):
        assert set(unpacked(tmp_path, pack(dict.fromkeys(names, b""), kind))) == set(names)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("M/inference.yml", "M/inference.yml"),
        ("M/inference.yml", "./M/inference.yml"),
        ("M/inference.yml", "M/./inference.yml"),
        ("./M/inference.yml", "././M/inference.yml"),
        ("M/inference.yml", "M/Inference.YML"),
        ("M/caf\u00e9", "M/cafe\u0301"),
        ("M/CAF\u00c9", "M/cafe\u0301"),
        ("M/a", "m/b"),
        ("M/a", "M/a/b"),
        ("M/a/b", "M/a"),
        ("M/a/b", "M/A"),
    ],
)
def test_two_names_for_one_file_are_refused(tmp_path: Path, first: str, second: str) -> None:
    refused(tmp_path, entry(first, b"1") + entry(second, b"2") + END)
    refused(tmp_path, zip_of((first.encode(), b"1", {}), (second.encode(), b"2", {})))


def test_a_folder_listed_twice_is_one_and_as_a_file_refused(tmp_path: Path) -> None:
    folder = entry("M/a/", type=tarfile.DIRTYPE)
    assert unpacked(tmp_path, folder + entry("M/a/x", b"1") + folder + END) == {"a/x": b"1"}
    refused(tmp_path, entry("M/a") + folder + END)
    refused(tmp_path, folder + entry("M/a") + END)


def test_the_name_of_an_extended_header_is_the_one_that_counts(tmp_path: Path) -> None:
    long_name = entry("././@LongLink", b"../evil\0", type=tarfile.GNUTYPE_LONGNAME)
    refused(tmp_path, pax({"path": "../evil"}) + entry("M/a", b"1") + END, match="evil")
    refused(tmp_path, long_name + entry("M/a", b"1") + END, match="evil")
    assert unpacked(tmp_path, pax({"path": "M/good"}) + entry("../evil", b"1") + END) == {"good": b"1"}
    assert unpacked(tmp_path, pax({"comment": "c"}, b"g") + entry("M/a", b"1") + END) == {"a": b"1"}


# ---------------------------------------------------------------------------------------------------- kinds

KIND_FIELDS: dict[str, dict[str, object]] = {
    "symbolic link": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    "symbolic link to itself": {"type": tarfile.SYMTYPE, "linkname": "b"},
    "symbolic link beside": {"type": tarfile.SYMTYPE, "linkname": "a"},
    "hard link": {"type": tarfile.LNKTYPE, "linkname": "../../secret"},
    "hard link beside": {"type": tarfile.LNKTYPE, "linkname": "M/a"},
    "FIFO": {"type": tarfile.FIFOTYPE},
    "character device": {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    "block device": {"type": tarfile.BLKTYPE},
    "sparse": {"type": tarfile.GNUTYPE_SPARSE},
    "contiguous": {"type": tarfile.CONTTYPE},
    "unknown": {"type": b"Z"},
    "setuid": {"mode": 0o4755},
    "setgid": {"mode": 0o2755},
}


@pytest.mark.parametrize("kind", KIND_FIELDS)
def test_only_plain_files_and_folders_come_out_of_a_tar(tmp_path: Path, kind: str) -> None:
    content = entry("M/a", b"1") + entry("M/b", **KIND_FIELDS[kind]) + entry("M/b/c", b"2") + END
    refused(tmp_path, content, match="M/b")
    refused(tmp_path, gzip.compress(content), match="M/b")


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644, 0o060644, 0o140644, 0o040755, 0o104755, 0o102755])
def test_only_plain_files_and_folders_come_out_of_a_zip(tmp_path: Path, mode: int) -> None:
    refused(tmp_path, zip_of((b"M/a", b"1", {}), (b"M/b", b"/etc/passwd", {"mode": mode})), match="M/b")


def test_a_chain_of_links_longer_than_a_path_may_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "secret").write_bytes(b"before")
    folder, path, content = "d" * 247, "", b""
    for letter in "abcdefghijklmnop":
        content += entry(f"{path}{folder}", type=tarfile.DIRTYPE)
        content += entry(f"{path}{letter}", type=tarfile.SYMTYPE, linkname=folder)
        path += f"{folder}/"
    links = "/".join("abcdefghijklmnop")
    content += entry(f"{links}/{'l' * 254}", type=tarfile.SYMTYPE, linkname="../" * 16)
    content += entry("escape", type=tarfile.SYMTYPE, linkname=f"{links}/{'l' * 254}/../../secret")
    content += entry("hard", type=tarfile.LNKTYPE, linkname="escape") + entry("hard", b"overwritten")
    refused(tmp_path, content + END, match="symbolic link")


@pytest.mark.parametrize(
    "records",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(64 << 30)},
        {"GNU.sparse.size": str(64 << 30), "GNU.sparse.numblocks": "0"},
    ],
)
def test_sparse_members_of_pax_are_refused(tmp_path: Path, records: dict[str, str | bytes]) -> None:
    refused(tmp_path, pax(records) + entry("M/a", b"1") + END, match="sparse")
    refused(tmp_path, pax(records, b"g") + entry("M/a", b"1") + END, match="sparse")


# ---------------------------------------------------------------------------------------------------- damage

GOOD = b"".join(entry(name, data) for name, data in MODEL.items())
SECOND = len(entry("M/inference.yml", MODEL["M/inference.yml"]))  # where the second header starts


def changed(position: int, new: bytes, seal: bool = True) -> bytes:
    """The good tar with other bytes in its second header."""
    header = bytearray(GOOD[SECOND : SECOND + BLOCK])
    header[position : position + len(new)] = new
    return GOOD[:SECOND] + (resealed(bytes(header)) if seal else bytes(header)) + GOOD[SECOND + BLOCK :] + END


DAMAGED_TARS = {
    "cut in the last member": GOOD[:-700],
    "cut in the padding of the last member": GOOD[:-1],
    "cut in a later header": GOOD[: SECOND + 100],
    "cut before a later header": GOOD[:SECOND],
    "checksum of a later header": changed(0, b"N", seal=False),
    "checksum of the first header": b"X" + GOOD[1:] + END,
    "only end blocks": END,
    "only padding": bytes(10240),
    "one block of zeros": bytes(BLOCK),
    "no end blocks": GOOD,
    "one end block": GOOD + bytes(BLOCK),
    "half an end block": GOOD + bytes(BLOCK + 100),
    "end mark with a bit": GOOD + bytes(BLOCK) + b"\1" + bytes(BLOCK - 1),
    "zeros between members": GOOD[:SECOND] + END + GOOD[SECOND:] + END,
    "another tar behind": GOOD + END + GOOD + END,
    "garbage behind": GOOD + END + bytes(9000) + b"x",
    "size not octal": changed(124, b"00000zz0000"),
    "size negative": changed(124, b"\xff" * 12),
    "size negative in octal": changed(124, b"-0000000001"),
    "size beyond the end": changed(124, b"00000020000"),
    "pax size beyond the end": pax({"size": "8192"}) + GOOD + END,
    "pax size no number": pax({"size": "-5"}) + GOOD + END,
    "pax twice": pax({"a": "1"}) + pax({"b": "1"}) + GOOD + END,
    "pax and GNU name": pax({"path": "M/p"}) + entry("L", b"M/q\0", type=tarfile.GNUTYPE_LONGNAME) + GOOD + END,
    "pax for no member": GOOD + pax({"a": "1"}) + END,
    "pax is no record": entry("x", b"99 path=M/p\n", type=b"x") + GOOD + END,
    "pax length is zero": entry("x", b"0 path=M/p\n", type=b"x") + GOOD + END,
    "pax length is signed": entry("x", b"+13 path=M/p\n", type=b"x") + GOOD + END,
    "pax key twice": entry("x", b"12 path=M/p\n12 path=M/q\n", type=b"x") + GOOD + END,
    "folder with bytes": entry("M/f/", b"1", type=tarfile.DIRTYPE) + GOOD + END,
    "incremental backup": changed(345, b"14201234567"),
}


@pytest.mark.parametrize("compression", ["tar", "gz"])
@pytest.mark.parametrize("damage", DAMAGED_TARS)
def test_what_tarfile_swallows_is_found(tmp_path: Path, damage: str, compression: str) -> None:
    assert unpacked(tmp_path, COMPRESS[compression](GOOD + END)) == stripped(MODEL)
    refused(tmp_path, COMPRESS[compression](DAMAGED_TARS[damage]), ArchiveError)


def test_a_size_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    refused(tmp_path, DAMAGED_TARS["size beyond the end"], ArchiveError, "8192 bytes, and .* are left")
    refused(tmp_path, DAMAGED_TARS["size negative"], ArchiveError, "declares -1 bytes")


def test_one_name_or_size_for_all_members_is_refused(tmp_path: Path) -> None:
    for records in ({"path": "M/b"}, {"size": "1"}, {"linkpath": "/etc"}):
        refused(tmp_path, pax(records, b"g") + entry("M/a", b"1") + END)
    refused(tmp_path, pax({"a": "1"}, b"g") * 2 + entry("M/a", b"1") + END, ArchiveError)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_stream_ends_where_its_file_ends(tmp_path: Path, kind: str) -> None:
    good = COMPRESS[kind](GOOD + END)
    assert unpacked(tmp_path, good) == stripped(MODEL)
    for rest in (b"x", b"\0", bytes(10_000), good, good[:5]):
        refused(tmp_path, good + rest, ArchiveError, "bytes follow")
    for cut in (1, 4, 8, len(good) // 2, len(good) - 12):
        refused(tmp_path, good[:-cut], ArchiveError, "end in the middle")
    refused(tmp_path, COMPRESS[kind](MODEL["M/inference.pdmodel"]), ArchiveError)
    refused(tmp_path, COMPRESS[kind](b""), ArchiveError)


def test_bytes_behind_a_gzip_stream_are_found_where_a_read_ends_with_it(tmp_path: Path) -> None:
    good = gzip.compress(GOOD + END)
    # With a file name in its header the stream is exactly as long as what is read at once.
    good = good[:3] + b"\x08" + good[4:10] + b"n" * (65536 - len(good) - 1) + b"\0" + good[10:]
    assert len(good) == 65536
    assert unpacked(tmp_path, good) == stripped(MODEL)
    refused(tmp_path, good + b"x", ArchiveError, "bytes follow")


def test_a_wrong_checksum_or_length_of_gzip_is_found(tmp_path: Path) -> None:
    good = gzip.compress(GOOD + END)
    for position in (-8, -4):
        bad = bytearray(good)
        bad[position] ^= 1
        refused(tmp_path, bytes(bad), ArchiveError, "incorrect")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "is an HTML page"),
        (b"\xef\xbb\xbf\n  <HTML lang='en'>" + b"x" * 5000, "is an HTML page"),
        (pickle.dumps({"conv.weight": [0.5] * 5000}, protocol=4), "is not a tar or zip archive"),
        (random.Random(2).randbytes(10_000), "is not a tar or zip archive"),
        (b"x", "is not a tar or zip archive"),
        (b"Rar!\x1a\x07\x00" + bytes(600), "is not a tar or zip archive"),
    ],
)
def test_what_is_no_archive_is_called_what_it_is(tmp_path: Path, content: bytes, named: str) -> None:
    refused(tmp_path, content, ArchiveError, named)


def test_an_archive_that_cannot_be_opened_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "absent", "loop", ".", "nul\0"):
        before = sorted(os.listdir(tmp_path))
        with pytest.raises(ArchiveError, match="cannot be opened"):
            unpack(tmp_path / name, tmp_path / "model")
        assert sorted(os.listdir(tmp_path)) == before


# ---------------------------------------------------------------------------------------------------- zips

TEXT = b"mode: x\n" * 40
LYING_ZIPS: dict[str, tuple[type[ArchiveError], bytes]] = {
    "encrypted": (UnsafeArchiveError, zip_of((b"M/a", TEXT, {"flags": 0x801}))),
    "encrypted, strongly": (UnsafeArchiveError, zip_of((b"M/a", TEXT, {"flags": 0x841}))),
    "bzip2 inside": (ArchiveError, zip_of((b"M/a", bz2.compress(TEXT), {"method": 12, "size": len(TEXT)}))),
    "lzma inside": (ArchiveError, zip_of((b"M/a", TEXT, {"method": 14}))),
    "checksum": (ArchiveError, zip_of((b"M/a", TEXT, {"crc": 1}))),
    "stored size": (ArchiveError, zip_of((b"M/a", TEXT, {"size": 5, "crc": zlib.crc32(TEXT[:5])}))),
    "holds more than declared": (
        UnsafeArchiveError,
        zip_of((b"M/a", deflated(TEXT), {"method": 8, "size": 5, "crc": zlib.crc32(TEXT[:5])})),
    ),
    "holds one byte more than declared": (
        UnsafeArchiveError,
        zip_of((b"M/a", deflated(TEXT), {"method": 8, "size": len(TEXT) - 1, "crc": zlib.crc32(TEXT[:-1])})),
    ),
    "holds less than declared": (
        ArchiveError,
        zip_of((b"M/a", deflated(TEXT), {"method": 8, "size": len(TEXT) + 1, "crc": zlib.crc32(TEXT)})),
    ),
    "not deflated": (ArchiveError, zip_of((b"M/a", b"\xff" + TEXT, {"method": 8}))),
    "bytes behind the deflated": (
        ArchiveError,
        zip_of((b"M/a", deflated(TEXT) + b"x", {"method": 8, "size": len(TEXT), "crc": zlib.crc32(TEXT)})),
    ),
    "folder with bytes": (ArchiveError, zip_of((b"M/a", b"", {}), (b"M/f/", b"1", {"mode": 0o040755}))),
    "another name in the list": (
        UnsafeArchiveError,
        closed(local(b"M/a", TEXT), listing(b"M/b", TEXT, 0), 1),
    ),
    "two members in one place": (
        UnsafeArchiveError,
        closed(local(b"M/a", TEXT), listing(b"M/a", TEXT, 0) + listing(b"M/a", TEXT, 0), 2),
    ),
    "a member inside another": (
        UnsafeArchiveError,
        closed(
            local(b"M/a", inner := local(b"M/b", TEXT)),
            listing(b"M/a", inner, 0) + listing(b"M/b", TEXT, len(local(b"M/a", b""))),
            2,
        ),
    ),
    "a member nobody lists": (
        UnsafeArchiveError,
        closed(local(b"M/a", TEXT) + local(b"M/b", TEXT), listing(b"M/a", TEXT, 0), 1),
    ),
    "a member before the first": (
        UnsafeArchiveError,
        closed(local(b"M/b", TEXT) + local(b"M/a", TEXT), listing(b"M/a", TEXT, len(local(b"M/b", TEXT))), 1),
    ),
    "another zip before": (UnsafeArchiveError, zip_of((b"M/a", TEXT, {})) + zip_of((b"M/b", TEXT, {}))),
    "a header that is none": (
        ArchiveError,
        zip_of((b"M/a", TEXT, {}), (b"M/b", TEXT, {})).replace(b"PK\3\4", b"PK\3\3").replace(b"PK\3\3", b"PK\3\4", 1),
    ),
    "a header beyond the end": (UnsafeArchiveError, closed(b"PK\3\4", listing(b"M/a", TEXT, 4), 1)),
    "a header that is cut": (ArchiveError, closed(b"PK\3\4", listing(b"M/a", TEXT, 0), 1)[:-23]),
    "no members": (ArchiveError, closed(b"", b"", 0)),
    "bytes behind": (ArchiveError, zip_of((b"M/a", TEXT, {})) + b"x"),
    "list of 100 000 members": (ArchiveError, closed(local(b"M/a", b""), listing(b"M/a", b"", 0) * 100_000, 1)),
}


@pytest.mark.parametrize("lie", LYING_ZIPS)
def test_zips_that_lie_are_refused(tmp_path: Path, lie: str) -> None:
    error, content = LYING_ZIPS[lie]
    refused(tmp_path, content, error)


def test_nothing_of_a_zip_is_read_before_all_names_are_good(tmp_path: Path) -> None:
    # The wrong checksum of the first member would be found first otherwise.
    refused(tmp_path, zip_of((b"M/a", TEXT, {"crc": 1}), (b"../evil", b"", {})), match="evil")


# ---------------------------------------------------------------------------------------------------- limits


def test_sizes_beyond_the_limits_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for content in (
        entry("M/a", b"x" * 1000, size=10 << 30) + END,
        gzip.compress(entry("M/a", b"x" * 1000, size=10 << 30) + END),
        pax({"size": str(10 << 30)}) + entry("M/a", b"x" * 1000) + END,
        pax({"size": "9" * 20}) + entry("M/a", b"x" * 1000) + END,
        zip_of((b"M/a", deflated(TEXT), {"method": 8, "size": 4_000_000_000})),
    ):
        refused(tmp_path, content, match="asks for")
    refused(tmp_path, entry("x", size=1 << 30, type=b"x") + GOOD + END, match="extended header")
    refused(tmp_path, entry("L", size=1 << 30, type=tarfile.GNUTYPE_LONGNAME) + GOOD + END, match="extended header")


@pytest.mark.parametrize("kind", KINDS)
def test_every_limit_lets_its_own_value_through_and_not_one_more(tmp_path: Path, kind: str) -> None:
    files = {f"M/{index}": b"" for index in range(7)}
    limits = [ArchiveLimits(members=7), ArchiveLimits(depth=1), ArchiveLimits(part=0), ArchiveLimits(name=2)]
    for limit in limits:
        refused(tmp_path, pack(files, kind), limits=limit)
    archive, folder = stored(tmp_path, pack(files, kind))
    assert len(unpack(archive, folder, ArchiveLimits(members=8, depth=2, part=1, name=3))) == 7
    shutil.rmtree(folder)
    refused(tmp_path, pack({"M/a": random.Random(3).randbytes(20_000)}, kind), limits=ArchiveLimits(total=19_999))


def test_ten_thousand_members_are_refused(tmp_path: Path) -> None:
    for kind in ("tar", "zip"):
        refused(tmp_path, pack({f"M/{index}": b"" for index in range(10_000)}, kind), match="2000 files")
    root = entry("./", type=tarfile.DIRTYPE)
    refused(tmp_path, root * 2001 + entry("M/a") + END, match="2000 files")
    deep = b"".join(entry(f"{index}/" + "/".join("x" * 30), b"") for index in range(70))
    refused(tmp_path, deep + END, match="2000 files")


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip"])
def test_a_megabyte_of_zeros_is_fine_and_a_bomb_is_not(tmp_path: Path, kind: str) -> None:
    assert unpacked(tmp_path, pack({"M/a": bytes(1_000_000)}, kind)) == {"a": bytes(1_000_000)}
    refused(tmp_path, pack({"M/a": bytes(30_000_000)}, kind), match="asks for")
    if kind != "zip":  # what follows the end mark is counted too
        refused(tmp_path, COMPRESS[kind](GOOD + END + bytes(30_000_000)), match="more than")


def gzip_bomb(start: bytes, megabytes: int) -> bytes:
    """A gzip stream of some bytes and then zeros, made without compressing them all."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = machine.compress(start) + machine.flush(zlib.Z_FULL_FLUSH)
    body += (machine.compress(bytes(1 << 20)) + machine.flush(zlib.Z_FULL_FLUSH)) * megabytes
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + body + machine.flush() + bytes(8)


def test_a_gigabyte_of_zeros_is_refused_early_and_needs_no_memory(tmp_path: Path) -> None:
    whole = gzip_bomb(entry("M/a", b"1") + END, 1024)
    in_member = gzip_bomb(entry("M/a", size=15 << 20) + bytes(15 << 20), 1024)
    declared = gzip_bomb(entry("M/a", size=1 << 30), 1024)
    assert all(len(bomb) < 2_000_000 for bomb in (whole, in_member, declared))
    tracemalloc.start()
    try:
        refused(tmp_path, whole, match="more than")
        refused(tmp_path, in_member, match="more than")
        refused(tmp_path, declared, match="asks for")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_xz_that_wants_four_gigabytes_of_memory_is_refused(tmp_path: Path) -> None:
    content = bytearray(lzma.compress(GOOD + END, preset=0))
    assert content[14:16] == b"\x21\x01"  # the filter and the length of its one property, the size of the dictionary
    content[16] = 40
    content[20:24] = struct.pack("<L", zlib.crc32(content[12:20]))
    refused(tmp_path, bytes(content), ArchiveError, "[Mm]emory")


# ---------------------------------------------------------------------------------------------------- any damage


def whole_or_nothing(tmp_path: Path, content: bytes, expected: dict[str, bytes]) -> bool:
    """Unpacks what may be damaged: either all is right, or nothing is there; says which."""
    archive, folder = stored(tmp_path, content)
    before = everything(tmp_path)
    try:
        unpack(archive, folder)
    except ArchiveError:
        assert everything(tmp_path) == before
        return False
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == expected
    shutil.rmtree(folder)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_anywhere_is_refused_or_was_whole(tmp_path: Path, kind: str) -> None:
    files = {f"M/{index}": random.Random(index).randbytes(900 * index) for index in range(5)}
    content = pack(files, kind)
    rng = random.Random(11)
    cuts = {*range(0, len(content), BLOCK), *(rng.randrange(len(content)) for _ in range(40)), len(content) - 1}
    whole = [cut for cut in cuts if whole_or_nothing(tmp_path, content[:cut], stripped(files))]
    # Only the zeros a plain tar ends with may be missing.
    assert all(kind == "tar" and not content[cut:].strip(b"\0") for cut in whole)
    assert whole_or_nothing(tmp_path, content, stripped(files))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip"])
def test_a_changed_byte_is_found_or_changes_nothing(tmp_path: Path, kind: str) -> None:
    files = {f"M/{index}": (b"%d" % index) * 300 for index in range(3)}
    content = pack(files, kind)
    rng = random.Random(12)
    accepted = 0
    for _ in range(150):
        bad = bytearray(content)
        bad[rng.randrange(len(bad))] ^= rng.randrange(1, 256)
        accepted += whole_or_nothing(tmp_path, bytes(bad), stripped(files))
    assert accepted < 75


# ---------------------------------------------------------------------------------------------------- the place


def test_a_place_that_is_taken_or_cannot_be_written_is_a_cache_error(tmp_path: Path) -> None:
    archive, folder = stored(tmp_path, GOOD + END)
    (folder.parent / "file").write_bytes(b"mine")
    (folder.parent / "folder").mkdir()
    (folder.parent / "link").symlink_to("nowhere")
    before = everything(tmp_path)
    for name in ("file", "folder", "link", "file/below", "absent/below"):
        with pytest.raises(CacheError, match=name):
            unpack(archive, folder.parent / name)
        assert everything(tmp_path) == before


LIMITED = """
import resource, sys
from pathlib import Path
from zoo.errors import CacheError
from zoo.store.archive import unpack
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
except CacheError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", ["tar", "gz", "zip"])
def test_a_full_disk_is_a_cache_error_that_says_how_much_is_needed(tmp_path: Path, kind: str) -> None:
    content = pack({"M/a": b"1" * 1000, "M/b": random.Random(4).randbytes(3_000_000)}, kind)
    archive, folder = stored(tmp_path, content)
    before = everything(tmp_path)
    run = subprocess.run([sys.executable, "-c", LIMITED, archive, folder], capture_output=True, text=True, check=True)
    assert "no room" in run.stdout
    assert "3001000 bytes" in run.stdout
    assert everything(tmp_path) == before


def test_an_interrupted_unpacking_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, folder = stored(tmp_path, GOOD + END)
    before = everything(tmp_path)
    calls: Iterator[int] = itertools.count()

    def interrupt(handle: int) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, folder)
    assert everything(tmp_path) == before
