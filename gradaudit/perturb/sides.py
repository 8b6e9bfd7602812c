"""The one-sided derivatives along each direction, with error bars: slopes from x upwards and downwards as h → 0.

Both are extrapolated at once: a table costs a small check as much as its evaluations, however few numbers are in it.
"""

import numpy as np

from gradaudit.perturb.extrapolation import Limit, extrapolate
from gradaudit.perturb.samples import KAPPA, Samples


def one_sided_limits(samples: Samples) -> tuple[Limit, Limit]:
    """Upwards and downwards, (D, R) each; NaN with an infinite bar where a side has fewer than two steps."""
    directions = samples.ahead.shape[1]
    step = np.concatenate([samples.ahead, samples.behind], axis=1)[..., None]
    slope = np.concatenate([samples.forward, samples.backward], axis=1)
    noise = np.concatenate([samples.noise, samples.noise], axis=1)
    h = np.where(np.isfinite(slope), step, np.nan)
    both = extrapolate(h, slope, 2 * KAPPA * noise / h, order=1)
    return both.take(slice(directions)), both.take(slice(directions, None))
