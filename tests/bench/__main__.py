"""`make bench`: every figure of this machine, in one run; writes docs/performance.md and its chart.

`ROUNDS=n` changes how often the twenty actions are done side by side. `QUICK=1` does a little of everything in five
minutes, and writes nothing.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from tests.bench import bench_side, page, parts
from tests.bench.figure import Figure, show

_T = TypeVar("_T")


def main() -> int:
    """Measure everything; status 1 if a part could not be."""
    quick = bool(os.environ.get("QUICK"))
    rounds = int(os.environ.get("ROUNDS") or (1 if quick else 0)) or None
    found: dict[str, list[Figure]] = {}
    began = time.monotonic()
    outcome = _apart("bench_side", parts.side, rounds)
    complete = outcome is not None
    if outcome is not None:
        found["Side by side"] = bench_side.judged(outcome)
        _show("Side by side", found["Side by side"])
    for name, (title, _) in parts.PARTS.items():
        figures = _apart(name, parts.run, name, quick)
        complete = complete and figures is not None
        if figures:
            found[title] = figures
            _show(title, figures)
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")
    if outcome is not None and not quick:
        page.write(outcome, found)
        print(f"written: docs/performance.md, docs/{page.CHART}")
    return 0 if complete else 1


def _apart(name: str, work: Callable[..., _T], *arguments: Any) -> _T | None:
    """What came of it, in another process; None, with a word about it, where it failed."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(work, *arguments).result()
    except ModuleNotFoundError as error:
        print(f"\n{name} is left out: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print(f"\n{name} has failed", file=sys.stderr)
    return None


def _show(title: str, figures: list[Figure]) -> None:
    print(f"\n{title}")
    show(figures)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
