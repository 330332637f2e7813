"""What a form of a result is: its files, and the mark by which zoo knows its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from zoo.message import Message

# Names stand in comma lists, and in the marks of files.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_SUFFIX = re.compile(r"(?:\.[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file zoo wrote says of itself, at its beginning.

    Attributes:
        schema: Form of its content with a version, such as "zoo.coco/2".
        source: What it was made from.
    """

    schema: str
    source: str

    @classmethod
    def of(cls, schema: str, uris: Sequence[str]) -> Mark:
        """Returns the mark of a file about one picture or many.

        Args:
            schema: As of the mark.
            uris: The uri of every result in the file, in their order.
        """
        if len(uris) == 1:
            return cls(schema, uris[0])
        # Whoever lists models has no need of it.
        import hashlib

        digest = hashlib.sha256("\n".join(uris).encode("utf-8", "surrogatepass")).hexdigest()
        return cls(schema, f"{len(uris)} pictures, sha256:{digest}")

    @property
    def form(self) -> str:
        """The schema without its version."""
        return self.schema.partition("/")[0]

    def fields(self) -> dict[str, str]:
        """Returns the first two fields of a document."""
        return {"schema": self.schema, "source": self.source}

    def text(self) -> str:
        """Returns the same as one line of JSON in ASCII, for a comment."""
        return json.dumps(self.fields())


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which results are written.

    Attributes:
        name: Name in `--save`, pipeline files and `Result.save`: small letters, digits, `-` and `_`.
        summary: What it is, a sentence without its full stop.
        suffixes: What a file's name may end with, in lower case, the usual one first. A form whose usual one is ".png"
            is a picture.
        ending: What follows the stem of the input's name in a folder, such as "_coco.json".
        encode: "package.module:function" of `function(results, path, **options) -> bytes`. It is given the results in
            an iterable (one, unless `many`), the path where the file will be, in a folder perhaps with a number in its
            name, and what the caller of `Result.save` adds. The content it returns begins with its mark: as the first
            fields of a JSON object, as the "meta" of the first object of a JSON list, in a comment at the beginning of
            XML, behind "# " in the first line of a text, in the first text chunk of a PNG, or in the comment of a JPEG.
        api: Version of the contract it was written for, `zoo.plugin.API` of that time.
        many: Whether one file can hold many results.
        form: The mark's name of the form; by default "zoo." and the name. Forms that share one replace each other.

    Raises:
        ValueError: The name, a suffix or the ending is not allowed.
    """

    name: str
    summary: str
    suffixes: tuple[str, ...]
    ending: str
    encode: str
    api: int
    many: bool = False
    form: str = ""

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(
                Message(
                    "the format name {name!r} is not allowed; expected small letters, digits, - and _", name=self.name
                )
            )
        if not self.suffixes or not all(map(_SUFFIX.fullmatch, self.suffixes)):
            raise ValueError(
                Message(
                    "the format {name!r} has the suffixes {suffixes}; expected some like '.csv', in small letters",
                    name=self.name,
                    suffixes=self.suffixes,
                )
            )
        if not self.ending.endswith(self.suffixes):
            raise ValueError(
                Message(
                    "the format {name!r} has the ending {ending!r}, which ends with none of its suffixes",
                    name=self.name,
                    ending=self.ending,
                )
            )

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return self.suffixes[0] == ".png"

    @property
    def mark_form(self) -> str:
        """The mark's name of the form, without a version."""
        return self.form or f"zoo.{self.name}"
