"""Mistakes made on purpose, one at a time, in the real code: a checker that finds none of them proves nothing.

Each names the promise that must catch it, and the weather in which it shows. `tests/simulation` tries them all.
"""

from simulation.bugs import clinics, hearing, sending
from simulation.bugs.bug import Bug

__all__ = ["BUGS", "Bug"]

BUGS = (*sending.BUGS, *hearing.BUGS, *clinics.BUGS)
