"""The derivatives along each direction, with error bars: two-sided, and from x upwards and downwards, as h → 0.

All three are extrapolated at once: a table costs a small check as much as its evaluations, however few numbers are in
it.
"""

import numpy as np

from gradaudit.perturb.extrapolation import Limit, extrapolate
from gradaudit.perturb.samples import KAPPA, Samples


def limits(samples: Samples) -> tuple[Limit, Limit, Limit]:
    """Central, upwards and downwards, (D, R) each; NaN with an infinite bar where one has fewer than two steps."""
    count = samples.ahead.shape[1]
    one_sided = np.concatenate([samples.forward, samples.backward], axis=1)
    step = np.concatenate([samples.ahead, samples.behind], axis=1)[..., None]
    h = np.where(np.isfinite(one_sided), step, np.nan)
    noise = 2 * KAPPA * np.concatenate([samples.noise, samples.noise], axis=1) / h
    every = extrapolate(
        np.concatenate([samples.h, h], axis=1),
        np.concatenate([samples.central, one_sided], axis=1),
        np.concatenate([samples.central_noise, noise], axis=1),
        order=np.repeat([2, 1, 1], count)[:, None],
    )
    central, up, down = (every.take(slice(k * count, (k + 1) * count)) for k in range(3))
    return central, up, down
