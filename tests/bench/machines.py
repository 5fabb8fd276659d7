"""`make bench-vm`: every figure of virtual machines, of their image, and of the private desktop.

`ROUNDS=n` changes how often each is measured. The image that is measured with is `office`; `IMAGE=full` builds the
whole one from nothing as well, which downloads it.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable

from tests.bench import bench_desktop, bench_guest, bench_image, bench_machine
from tests.bench.figure import Figure, show
from tests.support.vm_image import main as have_image
from vm.image.store import find_image

ROUNDS = 10


def main() -> int:
    """Measure everything; status 1 if a part could not be."""
    rounds = int(os.environ.get("ROUNDS") or ROUNDS)
    whole = True
    began = time.monotonic()
    whole &= _part("The private desktop", lambda: bench_desktop.figures(rounds))
    if have_image("office"):
        return 1
    image = find_image("office")
    whole &= _part("Machines", lambda: bench_machine.figures(rounds, image=image))
    whole &= _part("Actions in a machine", lambda: bench_guest.figures(rounds, image))
    if name := os.environ.get("IMAGE"):
        whole &= _part("The image", lambda: bench_image.figures(name))
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes")
    return 0 if whole else 1


def _part(title: str, measure: Callable[[], list[Figure]]) -> bool:
    print(f"\n{title}", flush=True)
    try:
        show(measure())
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
