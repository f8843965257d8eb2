"""Resampling: what a mean would have been on other cases of the same kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
AT_ONCE = 100  # resamples counted at a time: a hundred thousand cases must not take gigabytes


def resampled_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The means of DRAWS resamples of n values, shape (DRAWS,); n must be at least 1."""
    n = len(values)
    even = np.full(n, 1 / n)
    # how often a resample has each case, rather than which cases it has
    return np.concatenate(
        [rng.multinomial(n, even, size=AT_ONCE) @ values / n for _ in range(DRAWS // AT_ONCE)]
    )
