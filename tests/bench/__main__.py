"""`make bench`: every figure of this machine, in one run."""

from __future__ import annotations

from tests.bench import bench_eyes, bench_turn

if __name__ == "__main__":
    bench_turn.main()
    bench_eyes.main()
