"""The shapes in which people write times, each compiled once into where its digits stand.

A column of a million times has a handful of shapes: ``2022-07-04 08:05`` and ``2022-11-14 18:05`` share
``0000-00-00 00:00``. A shape is understood by regular expressions, in Python; the digits of all rows of one
shape are then read together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?|星期[一二三四五六日天]|"
    r"周[一二三四五六日天]|\((?:星期|周)?[一二三四五六日天]\))"
)
_SEP = r"\s*[-/.]\s*"
_DATES = (
    # year first: 2022-07-04, 2022/7/4, 2022年7月4日
    r"(?P<y>0000)(?:\s*年\s*|\s*[-/.]\s*)(?P<m>00?)(?:\s*月\s*|\s*[-/.]\s*)(?P<d>00?)\s*[日号]?",
    # 4 Jul 2022, 04-JUL-22
    rf"(?P<d>00?)(?:st|nd|rd|th)?[-\s/.]*{_MONTH}[-\s/.,]*(?P<y>0000|00)",
    # Jul 4, 2022
    rf"{_MONTH}\s*(?P<d>00?)(?:st|nd|rd|th)?,?\s+(?P<y>0000)",
    # day or month first, decided from the column: 04/07/2022, 4.7.22
    rf"(?P<a>00?){_SEP}(?P<b>00?){_SEP}(?P<c>0000|00)",
    # 20220704
    r"(?P<y>0000)(?P<m>00)(?P<d>00)",
)
_HALF = r"(?P<half>上午|下午|凌晨|清晨|早上|早晨|中午|傍晚|晚上|夜间|夜里|[ap]\.?m\.?)"
_CLOCK = (
    r"(?:(?P<H>00?)\s*[:：时點点h]\s*(?P<M>00?)\s*(?:(?:[:：分m]\s*)(?P<S>00?)(?:[.,](?P<f>0{1,9}))?\s*[秒s]?|分)?"
    r"|(?P<H>00?)\s*[时點点h](?P<bare>半|整)?"
    r"|(?P<H>00)(?P<M>00)(?P<S>00)?(?:\.(?P<f>0{1,9}))?)"
)
_ZONE = r"(?P<zone>z|utc|gmt)?\s*(?:(?:utc|gmt)?(?P<sign>[+-])(?P<zh>00?)(?::?(?P<zm>00))?)?"
_NAMED_ZONE = r"(?P<named>[a-z]{3,4})?"
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "p.m.", "pm", "p.m", "pm."})
_EVENING = frozenset({"夜间", "夜里"})
_NOON = "中午"


def _numbered(pattern: str, prefix: str) -> str:
    """Group names made unique by a prefix, since alternatives may not share them."""
    count = 0

    def rename(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"(?P<{prefix}{count}_{match[1]}>"

    return re.sub(r"\(\?P<(\w+)>", rename, pattern)


_TIME = rf"(?:{_HALF}\s*)?{_CLOCK}\s*(?:{_HALF})?"
_WHOLE = [
    re.compile(
        _numbered(
            rf"(?:{_WEEKDAY}\s*)?{date}(?:\s*{_WEEKDAY})?(?:(?:\s*t|[\s,，]\s*|(?<=[日号]))\s*{_TIME}"
            rf"\s*{_ZONE}\s*{_NAMED_ZONE})?",
            "g",
        ),
        re.IGNORECASE,
    )
    for date in _DATES
]
# What Java's Date.toString writes: Mon Jul 04 08:05:00 CST 2022
_WHOLE.append(
    re.compile(
        _numbered(
            rf"{_WEEKDAY}\s+{_MONTH}\s+(?P<d>00?)\s+(?P<H>00):(?P<M>00):(?P<S>00)\s+(?P<named>[a-z]{{3,4}})\s+"
            r"(?P<y>0000)",
            "g",
        ),
        re.IGNORECASE,
    )
)
_COMPACT = re.compile(r"(?P<y>0000)(?P<m>00)(?P<d>00)(?P<H>00)(?P<M>00)(?P<S>00)?(?:\.(?P<f>0{1,9}))?")
_NUMBERS = {
    "excel": re.compile(r"(?P<n>0{5})(?:\.(?P<f>0{1,18}))?"),
    "unix_s": re.compile(r"(?P<n>0{10})(?:\.(?P<f>0{1,18}))?"),
    "unix_ms": re.compile(r"(?P<n>0{13})(?:\.(?P<f>0{1,18}))?"),
    "unix_us": re.compile(r"(?P<n>0{16})(?:\.(?P<f>0{1,18}))?"),
}
_ALONE = re.compile(_numbered(_TIME, "g"), re.IGNORECASE)
_SHARE_OF_DAY = re.compile(r"0?\.(?P<f>0{1,18})|0")


@dataclass(frozen=True)
class Layout:
    """Where the digits of a shape stand.

    Attributes
    ----------
    digits : mapping of str to (int, int)
        Field → first and past-the-last byte. Fields are ``y m d`` (or ``a b c`` where their order is open),
        ``H M S f``, ``zh zm`` of an offset, ``n f`` of a number.
    fixed : mapping of str to int
        Fields that the words say: month, half past.
    half : str
        am, pm, noon, night or empty.
    sign : int
        Of the offset; 0 where none is stated and the time is local.
    number : str
        excel, unix_s, unix_ms, unix_us, day (a share of one) or empty.
    named_zone : str
        An abbreviation such as CST, which names no zone for certain.
    """

    digits: dict[str, tuple[int, int]]
    fixed: dict[str, int]
    half: str = ""
    sign: int = 0
    number: str = ""
    named_zone: str = ""

    @property
    def has_clock(self) -> bool:
        """Whether a time of day is stated."""
        return "H" in self.digits or bool(self.number)


@lru_cache(maxsize=4096)
def date_layout(shape: str) -> Layout | None:
    """The layout of a date, with or without a time of day; None where the shape is none."""
    for kind, pattern in _NUMBERS.items():
        match = pattern.fullmatch(shape)
        if match is not None:
            return Layout(_spans(shape, match), {}, number=kind)
    match = _COMPACT.fullmatch(shape)
    if match is not None:
        return Layout(_spans(shape, match), {})
    for pattern in _WHOLE:
        match = pattern.fullmatch(shape)
        if match is not None:
            return _layout(shape, match)
    return None


@lru_cache(maxsize=1024)
def clock_layout(shape: str) -> Layout | None:
    """The layout of a time of day alone: ``08:05``, ``8时5分``, ``080500``, or Excel's share of a day."""
    match = _SHARE_OF_DAY.fullmatch(shape)
    if match is not None:
        return Layout(_spans(shape, match), {}, number="day")
    match = _ALONE.fullmatch(shape)
    return None if match is None else _layout(shape, match)


def shape_of(text: str) -> str:
    """A text with every digit as 0."""
    return re.sub(r"[0-9]", "0", text)


def _layout(shape: str, match: re.Match[str]) -> Layout:
    words: dict[str, str] = {}
    for name, value in match.groupdict().items():
        if value is not None:
            words.setdefault(name.partition("_")[2], value)
    fixed: dict[str, int] = {}
    if "month" in words:
        fixed["m"] = _MONTHS.index(words["month"][:3].lower()) + 1
    if words.get("bare") == "半":
        fixed["M"] = 30
    zoned = "zone" in words or "sign" in words
    return Layout(
        _spans(shape, match),
        fixed,
        _half(words.get("half", "")),
        (-1 if words.get("sign") == "-" else 1) if zoned else 0,
        named_zone=words.get("named", ""),
    )


def _spans(shape: str, match: re.Match[str]) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}
    for name, value in match.groupdict().items():
        field = name.rpartition("_")[2]
        if value is not None and value.strip("0") == "" and field not in spans:
            begin, end = match.span(name)
            spans[field] = len(shape[:begin].encode()), len(shape[:end].encode())
    return spans


def _half(word: str) -> str:
    plain = word.lower()
    if plain in _AFTERNOON:
        return "pm"
    if plain in _EVENING:
        return "night"
    if plain == _NOON:
        return "noon"
    return "am" if plain else ""
