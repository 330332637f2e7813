"""Names: which are allowed, which count as equal, and who brings which.

Lookup ignores letter case. The reference documentation writes some models with an ending, "SegFormer-B0 (slice)" and
"SeaFormer_base(slice)"; it says how the figure was measured and is no part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from zoo.errors import DuplicateNameError
from zoo.message import Message

T = TypeVar("T")

_ALLOWED = re.compile(r"(?!\.)[A-Za-z0-9._\-+ ()\[\]]{1,100}")
_SLICE = re.compile(r" *\(slice\)$")

#: What `is_valid` demands, for messages.
RULE = Message("1 to 100 letters from a to z, digits, blanks and . _ - + ( ) [ ], not starting with a dot")


def is_valid(name: object) -> bool:
    """Says whether a model, family, device or engine may have this name. Names become file names and table cells."""
    return isinstance(name, str) and _ALLOWED.fullmatch(name) is not None and name == name.strip()


def fold(name: str) -> str:
    """Returns the form in which names are compared: lower case, without the ending "(slice)"."""
    return _SLICE.sub("", name.strip().casefold())


def fold_separators(name: str) -> str:
    """Returns the folded name with every blank and underscore turned into a hyphen."""
    return re.sub(r"[ _\-]+", "-", fold(name))


def canonical_distribution(name: str) -> str:
    """Returns a distribution name in the form in which they are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


#: One name for one thing: the name, its owner for messages, the owner's distribution, the thing. Two claims of one name
#: agree if they mean the same object.
Claim = tuple[str, str, str, T]


class Index(Mapping[str, T]):
    """Things by name. A name claimed for two things is an error when it is used; the other names go on working.

    A blank, `_` or `-` may stand for another where only one thing can be meant. Looking up a name that two things have
    raises DuplicateNameError, which is no KeyError: `get` raises it too.

    Args:
        kind: What the things are, for messages: "model", "family", "device", "engine".
        claims: All claims.
    """

    def __init__(self, kind: str, claims: Iterable[Claim[T]]) -> None:
        self._kind = kind
        self._claims: dict[str, list[Claim[T]]] = {}
        self._loose: dict[str, set[str]] = {}
        for claim in claims:
            name, _, _, value = claim
            known = self._claims.setdefault(fold(name), [])
            if not any(other is value for _, _, _, other in known):
                known.append(claim)
            self._loose.setdefault(fold_separators(name), set()).add(fold(name))

    def __getitem__(self, name: str) -> T:
        key = fold(name)
        if key not in self._claims:
            loose = self._loose.get(fold_separators(name), set())
            meant = {id(value) for other in loose for _, _, _, value in self._claims[other]}
            if len(meant) != 1:
                raise KeyError(name)
            key = next(iter(loose))
        claims = self._claims[key]
        if len(claims) > 1:
            raise self._clash(claims)
        return claims[0][3]

    def __iter__(self) -> Iterator[str]:
        return (claims[0][0] for claims in self._claims.values())

    def __len__(self) -> int:
        return len(self._claims)

    def is_clash(self, name: str) -> bool:
        """Says whether two things have this name."""
        return len(self._claims.get(fold(name), ())) > 1

    def clashes(self, distribution: str | None = None) -> tuple[DuplicateNameError, ...]:
        """Returns an error for each name of two things, of one distribution or of all."""
        return tuple(
            self._clash(claims)
            for _, claims in sorted(self._claims.items())
            if len(claims) > 1 and (distribution is None or any(owned == distribution for _, _, owned, _ in claims))
        )

    def _clash(self, claims: list[Claim[T]]) -> DuplicateNameError:
        distributions = sorted({distribution for _, _, distribution, _ in claims})
        return DuplicateNameError(
            "The {kind} name {name!r} is brought by {owners: and by }. Each name must mean one {kind}.",
            "Run: pip uninstall {distribution}  (or leave it out: ZOO_DISABLE_PLUGINS={distribution})",
            kind=self._kind,
            name=claims[0][0],
            owners=[owner for _, owner, _, _ in claims],
            distribution=distributions[-1],
        )
