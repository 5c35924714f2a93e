"""`python3 dev.py soak --minutes 60`: see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.soak.run import Options, soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or the URL of an empty database")
    parser.add_argument("--out", type=Path, default=Path("var/soak"), help="replaced by this run's figures and logs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions-a-minute", type=float, default=60.0)
    chosen = parser.parse_args()
    options = Options(chosen.minutes, chosen.database, chosen.out, chosen.seed, chosen.sessions_a_minute)
    outcome = soak(options, lambda line: print(line, flush=True))
    print(f"\n{outcome.facts['handed_over']} messages handed over. " + ("PASSED" if not outcome.wrong else "FAILED:"))
    for one in outcome.wrong[:50]:
        print(f"  {one}")
    print(f"Everything about it: {options.out}/summary.md")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
