"""What a claim may be off by: as the suite says, and where it says nothing, by the precision of inputs and outputs."""

from dataclasses import dataclass

from gradaudit.plan.case import Settings

#: Spacing at 1 (of float64, float32, float16, bfloat16) → rtol, resolution, and what the claim's own arithmetic may
#: round away, relative to the local slope of f: of half precision, ten roundings or so.
BY_PRECISION = (
    (2.0**-52, 1e-5, 1e-3, 2.0**-40),
    (2.0**-23, 1e-4, 1e-2, 2.0**-14),
    (2.0**-10, 1e-2, 1e-1, 2.0**-7),
    (2.0**-7, 5e-2, 2.5e-1, 2.0**-4),
)
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
        rtol, resolution, rounding = next(limits for spacing, *limits in BY_PRECISION if epsilon <= spacing)
        asked = settings.tolerance
        rtol = rtol if asked.rtol is None else asked.rtol
        resolution = resolution if asked.resolution is None else asked.resolution
        half = epsilon / 2 if epsilon > HALF else 0.0
        return cls(rtol, resolution, asked.atol, rounding, narrow=epsilon > BY_PRECISION[0][0], half_precision=half)
