"""What a claim may be off by: as the suite says, and where it says nothing, by the precision of inputs and outputs."""

from dataclasses import dataclass

from gradaudit.plan.case import Settings
from gradaudit.plan.precision import EPSILONS

#: What the claim's own arithmetic may round away, relative to the local slope of f: of half precision, ten roundings or
#: so. The finest dtype first.
ROUNDING = {"float64": 2.0**-40, "float32": 2.0**-14, "float16": 2.0**-7, "bfloat16": 2.0**-4}
#: What has a larger spacing at 1 than this is half precision.
HALF = 1e-4


@dataclass(frozen=True)
class Limits:
    """What a claim may be off by, resolved for the precision at hand."""

    rtol: float
    resolution: float
    atol: float
    rounding: float  #: of the claim's own arithmetic, relative to the local slope of f
    narrow: bool = False  #: inputs or outputs are float32 or narrower
    half_precision: float = 0.0  #: the unit roundoff of float16 or bfloat16 where that takes part

    @classmethod
    def of(cls, settings: Settings, *, epsilon: float) -> "Limits":
        """The suite's tolerance; where it says nothing, by the precision whose spacing at 1 is ``epsilon``."""
        rtol, resolution = settings.tolerance.at_precision(epsilon)
        rounding = next(rounding for dtype, rounding in ROUNDING.items() if epsilon <= EPSILONS[dtype])
        half = epsilon / 2 if epsilon > HALF else 0.0
        narrow = epsilon > EPSILONS["float64"]
        return cls(rtol, resolution, settings.tolerance.atol, rounding, narrow=narrow, half_precision=half)
