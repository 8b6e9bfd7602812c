"""What each element of a claim may still be off by after random directions: arrays, summed up for the certificate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradaudit.judge.certificate import Certificate, Decade
from gradaudit.perturb.samples import Array

#: A certificate tells the limits of at most this many decades, from the largest sensitivity downwards.
DECADES = 12


@dataclass(frozen=True)
class Left:
    """What each element of one output may still be off by."""

    size: Array  #: (n,) |g|·s
    limit: Array  #: (n,) in the same units

    @property
    def relative(self) -> Array:
        """(n,) as a fraction of the element; inf where it is zero."""
        return np.divide(self.limit, self.size, out=np.full(self.size.shape, np.inf), where=self.size > 0)

    def resolved(self, resolution: float) -> int:
        """How many are within ``resolution`` of themselves."""
        return int(np.count_nonzero(self.limit <= resolution * self.size))

    def decades(self) -> tuple[Decade, ...]:
        """The worst of each of the largest decades."""
        relative, exponents = self.relative, _exponents(self.size)
        found = []
        for exponent in np.unique(exponents[self.size > 0])[::-1][:DECADES].tolist():
            there = exponents == exponent
            found.append(Decade(exponent, int(there.sum()), float(relative[there].max())))
        return tuple(found)


def promised(certificate: Certificate, size: Array) -> Array:
    """(n, R) what a certificate leaves possible for each element, from what it says; ``size`` is |g|·s, in its units.

    Of several outputs it tells the bound of the worst, and no decades of the others.
    """
    typical = np.sqrt(np.square(size).mean(axis=0))
    left = np.broadcast_to(certificate.bound * typical, size.shape).copy()
    if size.shape[1] == 1:
        exponents = _exponents(size)
        for decade in certificate.decades:
            inside = exponents == decade.exponent
            left[inside] = np.fmin(left[inside], decade.limit * size[inside])
    return left


def _exponents(size: Array) -> NDArray[np.int16]:
    """The decade that each of ``size`` lies in; below all others where it is zero."""
    exponents = np.full(size.shape, -1000, dtype=np.int16)
    sloped = size > 0
    exponents[sloped] = np.floor(np.log10(size[sloped]))
    return exponents
