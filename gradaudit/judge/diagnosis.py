"""The closed list of everything gradaudit can say about what is wrong, or why it could not tell.

One file, so that a report, a filter or a script can rely on the words. A verdict carries one of these beside
its status, with its evidence in a sentence of its own.
"""

from enum import StrEnum


class Diagnosis(StrEnum):
    """What a verdict says beside its status; the value is the text in every output."""

    # the claim disagrees with the differences
    WRONG_SIGN = "wrong sign"
    CONSTANT_FACTOR = "constant factor"
    TRANSPOSED = "transposed"
    PERMUTED = "permuted"
    SWAPPED = "swapped"
    ZERO = "zero or detached"
    MISSING_TERM = "missing term"
    ONE_ELEMENT = "one element wrong"
    SOME_ELEMENTS = "some elements wrong"
    ONE_ROW = "one row wrong"
    ONE_COLUMN = "one column wrong"
    ONE_INPUT = "one input wrong"
    NOT_SUMMED = "broadcast not summed"
    COTANGENT_IGNORED = "cotangent ignored"
    TANGENT_IGNORED = "tangent ignored"
    NOT_SYMMETRIC = "Hessian not symmetric"
    TIE = "wrong at a tie or kink"
    STALE = "stale input"
    NOT_ADJOINT = "forward and reverse mode disagree"
    NOT_LINEAR = "not linear in its cotangent"
    OTHER_VALUE = "another value beside the derivative"
    BATCHED = "batched derivative differs"
    WRONG = "wrong everywhere"
    # the claim or the function is not something that can be compared
    SHAPE = "shape mismatch"
    DTYPE = "dtype mismatch"
    NOT_FINITE = "NaN or Inf"
    INPUT_MUTATED = "input mutated"
    NONDETERMINISTIC = "nondeterministic"
    STATEFUL = "stateful"
    RAISED = "raised"
    IMPORT_FAILED = "import failed"
    TIMED_OUT = "timed out"
    DIED = "process died"
    MEMORY = "memory limit"
    # the differences cannot decide here
    KINK = "kink"
    SCALE = "depends on the scale of h"
    NOISE = "noisy function"
    PRECISION = "precision-limited"
    DOMAIN = "no room inside the domain"
    SINGULAR = "slope grows without limit"
    UNSEEN = "not visible at the scale of x"
    STILL = "function stands still"
    STEPS = "steps too coarse to decide"
    # attempts at one case ended differently
    FLAKY = "flaky"
    # the suite's expectation did not come true
    UNEXPECTED_PASS = "expected to fail but passed"
    EXPECTATION_EXPIRED = "expectation has expired"


#: What would help, for a diagnosis that leaves a case undecided.
ADVICE: dict[Diagnosis, str] = {
    Diagnosis.KINK: "move the point away from the kink, or say 'kinks: accept'",
    Diagnosis.SCALE: "f jumps or is quantised at small h: audit the smooth part, or tighten a solver's tolerance",
    Diagnosis.NOISE: "compute f more precisely, or accept a larger 'tolerance: {resolution: …}'",
    Diagnosis.PRECISION: "f cancels a large offset: subtract it, or accept a larger 'tolerance: {resolution: …}'",
    Diagnosis.DOMAIN: "move the point inside the domain, or give 'bounds'",
    Diagnosis.SINGULAR: "f has no derivative here: move the point away",
    Diagnosis.UNSEEN: "the difference moves f by less than its noise: scale the input so that it matters",
    Diagnosis.STILL: (
        "f is the same to the last bit around x: move the point, or leave out what hides it (an offset; erfc for erf)"
    ),
    Diagnosis.STEPS: "let 'extend: true' add steps, or leave 'h' out",
    Diagnosis.NOT_FINITE: "choose a point where f is finite",
    Diagnosis.NONDETERMINISTIC: "fix the seed inside, or pass the noise as an input",
    Diagnosis.STATEFUL: "let the function and its derivative share no state",
}
