"""The whole service in one process, under a clock and a scheduler that are made up, against everything that goes wrong.

Rules, records, clock, deliver, verdicts, reconcile, listen and the Flask views are the real ones. What is made up is
what lies between them: time, the queue, the network, the provider, and when anything dies. All of it follows from one
seed, so a run that finds something can be run again, step for step. See docs/simulation.md.
"""
