"""Chinese for English text with values in it.

A catalogue maps templates: English text in which {0}, {1} and so on stand for the values put in. A text is compared
with the templates, those with the most words of their own first; its values are put into the Chinese text as they are,
except a value that is itself a text of the catalogue, such as the reason inside an error. `messages/en.json` lists the
templates of this source tree, `messages/names.json` which of their values are names and no texts (`python
tests/messages.py` writes both), `messages/zh.json` holds the Chinese.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("messages")

#: {0} is a value; {0:list} in Chinese is one of several names with "or" or "and" between them.
PLACEHOLDER = re.compile(r"\{(\d+)(:list)?\}")
_MARKS = {".": "。", ";": "；"}
_CONJUNCTIONS = {", ": "、", " or ": " 或 ", " and by ": " 和 ", " and ": " 和 "}
#: Blanks where a value (between \0) meets the Chinese text: one beside a Latin letter, none elsewhere.
_BORDERS = [
    (re.compile(r"(?<=[\u4e00-\u9fff])\0(?=[\w`'\"/(\[])(?![\u4e00-\u9fff])"), " "),
    (re.compile(r"(?<=[\w`'\"/)\]%])(?<![\u4e00-\u9fff])\0(?=[\u4e00-\u9fff])"), " "),
    (re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])( ?\0 ?)(?=[\u3000-\u9fff\uff00-\uffef])"), ""),
]
#: Ways to cut one text that are looked at; only texts made to have them have more.
_MOST_CUTS = 200
_MOST_SENTENCES = 12
#: Words of a name that something is said of.
_MOST_WORDS = 12
#: So many words of its own tell a text from a name.
_SURE_WORDS = 3
_VERB = re.compile(r"(?:is|are|has|was|does|cannot)\b")
_ARTICLE = re.compile("(?:an?|the|line) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Template:
    """What stands around the values, in English, and the numbers of the values; the Chinese text."""

    parts: tuple[str, ...]
    numbers: tuple[int, ...]
    chinese: str
    names: tuple[int, ...] = ()

    @property
    def weight(self) -> int:
        """How many characters are its own."""
        return sum(map(len, self.parts))

    def trusts(self, values: Sequence[str]) -> bool:
        """Whether these may be its values: of "{0} models" the first is a number, not the beginning of a name."""
        counted = not self.parts[0] and re.match(" [a-z]", self.parts[1]) and not _VERB.match(self.parts[1][1:])
        few = len(_words(" ".join(self.parts))) < _SURE_WORDS
        return not (counted and few) or bool(re.fullmatch(r"[\d.,]+", values[0]))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a text: its Chinese, and how many characters of the English were known."""

    chinese: str
    known: int


class Catalogue:
    """Templates and their translations.

    Where a text can be read in several ways, that one counts in which the most characters are the catalogue's.

    Args:
        table: English templates and the Chinese text of each.
        names: Which values of a template are names, which stay as they are.
    """

    def __init__(self, table: Mapping[str, str], names: Mapping[str, Sequence[int]] | None = None) -> None:
        table = {english: chinese for english, chinese in table.items() if chinese}
        self._plain = {english: chinese for english, chinese in table.items() if not PLACEHOLDER.search(english)}
        words = {english: set(_words(PLACEHOLDER.sub("0", english))) for english in table if english not in self._plain}
        often = Counter(itertools.chain.from_iterable(words.values()))
        # Each template is looked at where its rarest word occurs.
        self._templates: dict[str, list[_Template]] = defaultdict(list)
        for english, own in words.items():
            self._templates[min(own, key=lambda word: (often[word], word), default="")].append(
                _template(english, table[english], (names or {}).get(english, ()))
            )
        self._readings: dict[str, _Reading] = {}

    def translate(self, text: str) -> str:
        """Returns the text in Chinese, line by line; a line that is not in the catalogue stays as it is."""
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, line: str) -> str:
        text = line.strip()
        return line.replace(text, self._plain.get(text) or self._read(text).chinese, 1) if text else line

    def _read(self, text: str) -> _Reading:
        unread = _Reading(text, 0)
        text = text.strip()
        # Names, paths and figures have no blanks, and quoted text belongs to somebody else.
        if " " not in text or re.fullmatch(r"'[^']*'|\"[^\"]*\"", text):
            return unread
        if text not in self._readings:
            self._readings[text] = unread  # inside itself a text is a value
            self._readings[text] = max(self._ways(text), key=lambda way: way.known, default=unread)
        reading = self._readings[text]
        return reading if reading.known else unread

    def _ways(self, text: str) -> Iterator[_Reading]:
        yield from self._templated(text)
        sentences = re.split(r"(?<=[.?!;]) (?=\S)", text)
        if 1 < len(sentences) <= _MOST_SENTENCES:
            yield self._sentences(sentences)
        if len(sentences) <= _MOST_SENTENCES:
            yield from self._said_of(text)
        if len(sentences) > 1:
            return
        # The full stop may belong to the text around a reason, or may have been taken off a message.
        if text[-1] in _MARKS:
            way = self._read(text[:-1])
            yield _Reading(way.chinese + _MARKS[text[-1]], way.known)
        elif text[-1] not in "?!":
            yield from (_Reading(way.chinese.removesuffix("。"), way.known) for way in self._templated(f"{text}."))

    def _templated(self, text: str, said: bool = False) -> Iterator[_Reading]:
        """Yields what the templates make of a text; of what is said of something, if they begin with a value not."""
        if text in self._plain and not (said and len(_words(text)) < _SURE_WORDS and not _VERB.match(text)):
            yield _Reading(self._plain[text], len(text))
        candidates = itertools.chain.from_iterable(self._templates.get(word, ()) for word in _words(text))
        for template in sorted(candidates, key=lambda template: -template.weight):
            if not (said and not template.parts[0]) and all(part in text for part in template.parts):
                for values in filter(template.trusts, itertools.islice(_cuts(template.parts, text), _MOST_CUTS)):
                    texts = [
                        text
                        for n, value in zip(template.numbers, values, strict=True)
                        if n not in template.names
                        for text in (_listed(value) if f"{{{n}:list}}" in template.chinese else [value])
                    ]
                    known = template.weight + sum(self._read(text).known for text in texts)
                    yield _Reading(self._filled(template, values), known)

    def _filled(self, template: _Template, values: Sequence[str]) -> str:
        numbered = dict(zip(template.numbers, values, strict=True))

        def put(match: re.Match[str]) -> str:
            value = numbered[int(match[1])]
            if int(match[1]) in template.names and not match[2]:
                return value
            names = _listed(value) if match[2] else [value]
            return "".join(_CONJUNCTIONS.get(name) or self._read(name).chinese for name in names)

        text = PLACEHOLDER.sub(lambda match: f"\0{put(match)}\0", template.chinese)
        for pattern, replacement in _BORDERS:
            text = pattern.sub(replacement, text)
        return text.replace("\0", "")

    def _sentences(self, sentences: Sequence[str]) -> _Reading:
        """Reads a message that was put together of several, each of one or more sentences."""
        best = [_Reading("", 0)]  # of the last 0, 1, 2 ... sentences
        for first in reversed(range(len(sentences))):
            ways: list[_Reading] = []
            for end in range(len(sentences), first, -1):
                if end - first < len(sentences):  # the whole is read by its templates
                    way, rest = self._read(" ".join(sentences[first:end])), best[len(sentences) - end]
                    ways.append(_Reading(_joined(way.chinese, rest.chinese), way.known + rest.known))
            best.append(max(ways, key=lambda way: way.known))
        return best[-1]

    def _said_of(self, text: str) -> Iterator[_Reading]:
        """Reads a name and what is said of it, such as "does not exist."."""
        for blank in itertools.islice(re.finditer(" ", text), _MOST_WORDS):
            of, said = text[: blank.start()], text[blank.end() :]
            for way in self._templated(said, said=True):
                # "A list", "the file" are words of zoo's; what has no article is a name.
                reading = self._read(of) if _ARTICLE.match(of) else _Reading(of, 0)
                yield _Reading(f"{reading.chinese} {way.chinese}", reading.known + way.known)


@functools.cache
def chinese() -> Catalogue:
    """Returns the Chinese catalogue; it is read once."""
    table, names = (json.loads((FOLDER / file).read_text(encoding="utf-8")) for file in ("zh.json", "names.json"))
    return Catalogue(table, names)


def _template(english: str, chinese: str, names: Sequence[int]) -> _Template:
    numbers = tuple(int(match[1]) for match in PLACEHOLDER.finditer(english))
    return _Template(tuple(PLACEHOLDER.sub("\0", english).split("\0")), numbers, chinese, tuple(names))


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\b[A-Za-z]+\b", text)))


def _cuts(parts: Sequence[str], text: str) -> Iterator[tuple[str, ...]]:
    """Yields every way in which a text is these parts with values between them."""

    def after(number: int, start: int) -> Iterator[tuple[str, ...]]:
        part = parts[number]
        if number == len(parts) - 1:
            end = len(text) - len(part)
            if end >= start and text.endswith(part):
                yield (text[start:end],)
            return
        at = text.find(part, start)
        while at >= 0:
            end = at + len(part)
            # A full stop in the middle of a word is part of a name.
            if not (part.endswith(".") and text[end : end + 1].strip()):
                for rest in after(number + 1, end):
                    yield (text[start:at], *rest)
            at = text.find(part, at + 1)

    if text.startswith(parts[0]):
        yield from after(1, len(parts[0]))


def _listed(text: str) -> list[str]:
    """Parts "a, b (c or d) or e" into a, b (c or d) and e, with what stands between them."""
    parts = re.split(r"(, | or | and by | and )(?!(?:[^()]|\([^()]*\))*\))", text)
    # Commas alone are part of one thing: "a mapping of path, kinds".
    return parts if any(part != ", " for part in parts[1::2]) else [text]


def _joined(text: str, more: str) -> str:
    return f"{text} {more}" if more and text[-1:] not in "。？！；：" else text + more
