"""How fast Aftercare is, on this machine, beside what else could do the work: `python3 dev.py bench [name …]`.

Figures are good for comparing within one run on one machine. The provider is the compiled stand-in beside this file.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import arrivals, desk, growth, late, many, out, where
from benchmarks.figures import Figure, keep, show
from benchmarks.peers import contest
from benchmarks.place import KINDS

BENCHMARKS: dict[str, Callable[[tuple[str, ...], float], Iterator[Figure]]] = {
    "in": arrivals.measure,
    "out": out.measure,
    "where": where.measure,
    "peers": contest.measure,
    "growth": growth.measure,
    "late": late.measure,
    "many": many.measure,
    "desk": desk.measure,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all if none is given")
    parser.add_argument("--database", choices=KINDS, action="append", help="only this kind of database")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1 for a quick look: a tenth of every number")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    kinds = tuple(chosen.database or KINDS)
    # Ended from outside it still stops its servers and removes their folders, as it does at Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    figures = [show(figure) for name in chosen.names or BENCHMARKS for figure in BENCHMARKS[name](kinds, chosen.scale)]
    if chosen.json:
        keep(figures, chosen.json)


if __name__ == "__main__":
    main()
