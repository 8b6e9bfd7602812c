"""The outcome of one case, as plain data: what a worker sends back and every report is rendered from."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import nan
from typing import NoReturn

from gradaudit.judge.certificate import Certificate
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.plan.case import Source


class Status(StrEnum):
    """How a case ended. The first three are judgements, the next three say that none was possible."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASH = "crash"
    XFAIL = "xfail"
    XPASS = "xpass"


@dataclass(frozen=True)
class Measures:
    """The headline numbers of a case, under the same names in every output."""

    error_over_tolerance: float = nan  #: largest |analytic − numeric| / allowed; at most 1 where the case passes
    max_abs_error: float = nan  #: largest |analytic − numeric|, in units of f / x
    max_rel_error: float = nan  #: the same over max(|analytic|, |numeric|)
    uncertainty: float = nan  #: error bar of the numeric value at the worst element, in units of f / x
    bound: float = nan  #: the largest error that a pass could have missed, relative to what bounds the element
    h_best: float = nan  #: step with the smallest error bar at the worst element, in units of x
    slope: float = nan  #: observed order in h of the truncation error (2 for a smooth function)
    evaluations: int = 0  #: evaluations of f, all of them
    duration_s: float = nan  #: seconds in the worker, loading included
    saved: int = 0  #: evaluations of f that it would have taken besides, had no structure of f been found


@dataclass(frozen=True)
class Counts:
    """How many elements (input element × output or cotangent) ended how."""

    elements: int = 0  #: all that the case could check
    checked: int = 0  #: fewer where the suite asked for a sample
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    bounded_by_largest: int = 0  #: passes bounded by the local slope or the largest sensitivity only, not by themselves
    resolved: int = 0  #: those that could be checked at the asked tolerance: failures, and all other passes


@dataclass(frozen=True)
class Element:
    """One compared number: a row of ``elements.csv``."""

    check: str
    status: Status
    output: str  #: ``out``, ``out[2, 0]``, or ``out·cotangent 1`` for a random combination of outputs
    input: str  #: ``x[3]``, or ``tangent 2`` for a random direction
    x: float  #: value of that input element; NaN for a direction
    analytic: float
    numeric: float
    uncertainty: float  #: error bar of ``numeric``, in its units
    allowed: float  #: largest |analytic − numeric| that passes
    error_over_tolerance: float
    h: float  #: the step whose entry of the table was taken, in units of x
    reason: str = ""  #: one sentence, where the element did not pass
    bound: float = nan  #: the least error that would have failed, relative to what bounds the element; NaN if no pass

    @property
    def place(self) -> str:
        """``d out[2]/d x[3]``; ``out[2]`` where it is no derivative that was compared."""
        return f"d {self.output}/d {self.input}" if self.input else self.output


@dataclass(frozen=True)
class CurvePoint:
    """The plain central difference of one element at one step: a row of ``curves.csv``."""

    check: str
    output: str
    input: str
    h: float  #: realised step
    numeric: float  #: (f(x+h) − f(x−h)) / 2h
    error: float  #: |analytic − numeric|
    uncertainty: float  #: noise bound of this difference; truncation is what the curve shows


@dataclass(frozen=True)
class Heat:
    """Error ÷ allowed over the elements of one input, the worst over all outputs."""

    check: str
    input: str
    shape: tuple[int, ...]  #: of the input; its last axis runs along the columns, all others along the rows
    columns: int  #: cells in a row of the map
    block: tuple[int, int]  #: rows and columns of elements in a cell, which holds the worst of them
    errors: tuple[float, ...]  #: row by row, to two digits; NaN where nothing was checked


class Catch(StrEnum):
    """What the audit of a claim said when a known fault had been planted into it."""

    CAUGHT = "caught"  #: it failed
    MISSED = "missed"  #: it passed
    UNDECIDED = "undecided"  #: it was inconclusive
    NOT_APPLICABLE = "not applicable"  #: the fault changes nothing by more than the suite accepts


@dataclass(frozen=True)
class Planted:
    """A known fault in a claim that had passed, audited as the claim was: a row of ``power.csv``."""

    check: str
    fault: str  #: its name in the table of faults
    outcome: Catch
    error_over_bound: float = nan  #: largest error it leaves in a checked element, over the least the pass says fails
    element: str = ""  #: which that is: ``d out/d x[3]``
    diagnosis: Diagnosis | None = None  #: what the audit said was wrong
    evaluations: int = 0  #: evaluations of f for this fault, on top of those of the case
    located: bool = False  #: the worst element that the audit named is one that the fault changed

    @property
    def contradicts_bound(self) -> bool:
        """Missed, though the bound of the pass says that it would have failed."""
        return self.outcome is Catch.MISSED and self.error_over_bound > 1


@dataclass(frozen=True)
class Verdict:
    """How one case ended, why, and with what evidence."""

    id: str
    status: Status
    diagnosis: Diagnosis | None = None
    message: str = ""  #: place, measured, allowed and the fix, on one line
    evidence: str = ""  #: the diagnosis' evidence in a sentence
    engine: str = ""
    measures: Measures = field(default_factory=Measures)
    counts: Counts = field(default_factory=Counts)
    elements: tuple[Element, ...] = ()  #: the worst, worst first
    curves: tuple[CurvePoint, ...] = ()  #: of each check's worst element first, and of other outputs of the same input
    heat: tuple[Heat, ...] = ()  #: a map for each check and input
    notes: tuple[str, ...] = ()  #: what a reader should know though nothing failed
    traceback: str = ""
    printed: str = ""  #: what user code wrote to stdout and stderr, capped
    power: tuple[Planted, ...] = ()  #: what became of known faults in the claim, if asked for and the case passed
    sources: tuple[Source, ...] = ()  #: of the function and its claims, where they could be loaded
    certificates: tuple[Certificate, ...] = ()  #: of checks along random directions, one for each comparison

    def __bool__(self) -> NoReturn:
        """Raises TypeError: there are more than two ways to end, and a failure would be as true as a pass."""
        raise TypeError("a verdict is no truth value; ask 'verdict.status is Status.PASS', or use assert_gradient")

    def __str__(self) -> str:
        """In a line: ``FAIL losses.huber[n=33]  d out/d x[3]: analytic …``."""
        return "  ".join(filter(None, (f"{self.status.upper()} {self.id}", self.message)))
