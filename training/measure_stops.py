"""How soon the audit sample stops what is worse than promised, and how often what is not.

``python -m training.measure_stops [promise]``: a label that is right so often, looked at after each verdict.
"""

from __future__ import annotations

import sys

import numpy as np

from triage.ledger.audits import precision_of

RATES = (0.99, 0.97, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)
AFTER = (10, 20, 50, 100, 200)
RUNS = 20_000


def main(promise: float = 0.95, *, runs: int = RUNS, seed: int = 8) -> list[tuple[float, ...]]:
    """Print a line for each rate: the share of runs that were stopped within so many verdicts."""
    most = max(AFTER)
    upper = np.ones((most + 1, most + 1))
    for n in range(1, most + 1):
        for right in range(n + 1):
            _, interval = precision_of([(True, 1.0)] * right + [(False, 1.0)] * (n - right))
            upper[n, right] = interval[1] if interval else 1.0
    numbers = np.random.default_rng(seed)
    print("right  " + "".join(f"{n:>8}" for n in AFTER))
    lines = []
    for rate in RATES:
        counted = np.cumsum(numbers.random((runs, most)) < rate, axis=1)
        broken = upper[np.arange(1, most + 1), counted] < promise
        stopped = tuple(float(broken[:, :n].any(axis=1).mean()) for n in AFTER)
        print(f"{rate:<7g}" + "".join(f"{share:>8.3f}" for share in stopped))
        lines.append((rate, *stopped))
    return lines


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
