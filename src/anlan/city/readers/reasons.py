"""Why rows were dropped and values set aside, said in both languages."""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    "cells_too_many": ("more cells than the header has columns", "单元格多于表头列数"),
    "total_row": ("a total or note, not a call", "合计行或备注行，不是警情"),
    "coordinates_missing": ("no coordinates", "没有坐标"),
    "coordinates_unreadable": ("coordinates that are no numbers", "坐标不是数字"),
    "coordinates_zero": ("coordinates 0, 0", "坐标为 0, 0"),
    "coordinates_out_of_range": ("coordinates that are no place on earth", "坐标超出经纬度范围"),
    "lon_lat_swapped": (
        "longitude and latitude exchanged (--swap, or swap=True from Python, reads them)",
        "经纬度颠倒（--swap 或 Python 的 swap=True 可读取）",
    ),
    "outside_city": ("outside the city", "在城市范围之外"),
    "time_missing": ("no time", "没有时间"),
    "time_unreadable": ("a time that cannot be read", "时间无法识别"),
    "duplicate": ("repeated", "重复"),
    "duplicate_id": ("the id of an earlier row, other content", "编号与前面的行相同但内容不同"),
}
"""Reason → what it says of a dropped row in English and in Chinese."""


def reason_text(reason: str, language: str = "en") -> str:
    """A reason in words."""
    english, chinese = REASONS.get(reason, (reason, reason))
    return chinese if language.startswith("zh") else english
