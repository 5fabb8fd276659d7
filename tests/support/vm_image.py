"""The image that tests of virtual machines use: the one there is, or else it is built, with its progress shown."""

from __future__ import annotations

import shutil
import sys
import time

from agent.errors import UserFault

NEEDED = ("qemu-system-x86_64", "qemu-img")


def missing() -> str:
    """Why no virtual machine can run here, or ""."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else ""


def main(name: str) -> int:
    """See to it that there is such an image; status 0 also where no machine could use it, which is said."""
    if why := missing():
        print(f"NO VIRTUAL MACHINE CAN RUN HERE: {why}; every test of them is skipped", file=sys.stderr)
        return 0
    from vm.image.build import build_image
    from vm.image.store import find_image

    try:
        print(f"image: {find_image(name).folder}")
        return 0
    except UserFault:
        pass
    began = time.monotonic()
    try:
        image = build_image(name, say=lambda text: print(text, file=sys.stderr, flush=True))
    except UserFault as fault:
        print(f"image: {fault}", file=sys.stderr)
        return 1
    print(f"image: {image.folder}, built in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
