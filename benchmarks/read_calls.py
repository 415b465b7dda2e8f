"""Reading a million calls beside pandas, which is told the types, the encoding and the date format."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from anlan.city.readers.calls import read_calls
from anlan.core.seed import stream
from benchmarks._table import Timing, human, table, timed

TIMES = ("接警时间", "派警时间", "到达时间", "结束时间")


def write(path: Path, rows: int, encoding: str, pattern: str) -> None:
    """A table of calls with four times, a category, a priority, a source and a place."""
    rng = stream(1, "read_calls", rows)
    received = 1_640_966_400 + np.sort(rng.integers(0, 365 * 86_400, rows))
    after: Any = (0, rng.integers(20, 90, rows), rng.integers(120, 700, rows), rng.integers(1200, 7000, rows))
    columns = {"警情编号": [f"JQ2022{i:08d}" for i in range(rows)]}
    for name, seconds in zip(TIMES, after, strict=True):
        columns[name] = pd.to_datetime(received + seconds, unit="s").strftime(pattern).tolist()
    columns["案由"] = np.array(["盗窃", "诈骗", "纠纷", "交通事故", "求助"])[
        rng.integers(0, 5, rows)
    ].tolist()
    columns["优先级"] = rng.integers(1, 4, rows).tolist()
    columns["报警方式"] = np.array(["群众报警", "巡逻发现"])[rng.integers(0, 2, rows)].tolist()
    columns["经度"] = np.round(114 + 0.5 * rng.random(rows), 6).tolist()
    columns["纬度"] = np.round(30.4 + 0.4 * rng.random(rows), 6).tolist()
    pd.DataFrame(columns).to_csv(path, index=False, encoding=encoding)


def with_pandas(path: Path, encoding: str, pattern: str) -> pd.DataFrame:
    """The least that makes the table usable: no detection, no checks, no account."""
    frame = pd.read_csv(path, encoding=encoding)
    for name in TIMES:
        local = pd.to_datetime(frame[name], format=pattern)
        frame[name] = local.dt.tz_localize("Asia/Shanghai", ambiguous="NaT", nonexistent="NaT")
    return frame.drop_duplicates("警情编号").sort_values("接警时间")


def main(argv: list[str]) -> None:
    rows = int(argv[0]) if argv else 1_000_000
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for encoding, pattern in (
            ("utf-8", "%Y-%m-%d %H:%M:%S"),
            ("gb18030", "%Y-%m-%d %H:%M:%S"),
            ("utf-8", "%Y年%m月%d日 %H时%M分"),
        ):
            path = Path(folder) / "calls.csv"
            write(path, rows, encoding, pattern)
            ours = timed(lambda p=path: read_calls(p, tz="Asia/Shanghai"))  # type: ignore[misc]
            theirs: Timing = timed(lambda p=path, e=encoding, f=pattern: with_pandas(p, e, f))  # type: ignore[misc]
            assert len(ours.result.calls) == len(theirs.result)
            lines.append(
                [
                    encoding,
                    pattern,
                    human(ours.seconds),
                    human(theirs.seconds),
                    f"{ours.seconds / theirs.seconds:.2f}",
                ]
            )
    table(
        f"{rows:,} calls from CSV, median of 3",
        ["encoding", "times written as", "anlan", "pandas, told everything", "anlan / pandas"],
        lines,
    )
