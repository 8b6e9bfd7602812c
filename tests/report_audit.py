"""Audits written out as literals: one that is hostile in every field, one as large and ordinary as a night."""

from datetime import date
from math import inf, nan

import numpy as np

from gradaudit.judge.certificate import Certificate, Decade
from gradaudit.judge.diagnosis import Diagnosis
from gradaudit.judge.verdict import Catch, Counts, CurvePoint, Element, Measures, Planted, Status, Verdict
from gradaudit.plan.case import Avoid, Case, Drawn, Expectation, Given, Input, Settings, Stored, Target, Tolerance
from gradaudit.running.record import Audit, Result, Run

HOSTILE = (
    "</script><script>document.title='owned'</script><!-- <img src=x onerror=document.title='owned'> ]]> "
    "{{ 7*7 }} {% raise %} =1+1|`a`*b*&amp;\"'\\ \x00\x07\x1b[31mred\r\n\t\u2028\u2029\u202etxet\ud800 \x85\ufffe end"
)

RUN = Run(
    id="20261123-001500-ab12cd",
    suite="nightly",
    files=("configs/suite.yaml",),
    started="2026-11-23T00:15:00Z",
    duration_s=12.345,
    complete=True,
    seed=20261122,
    arguments=("run", "configs/suite.yaml", "--set", "tolerance.rtol=1e-4", "-j", "2"),
    versions={"gradaudit": "0.1.0", "python": "3.12.1", "numpy": "2.1.0"},
    git={"commit": "0123456789abcdef0123456789abcdef01234567", "branch": "main", "dirty": "no"},
    machine={"cores": "2", "platform": "Linux x86-64"},
)

CASE = Case(
    id="losses.huber[n=33]",
    name="losses.huber",
    target=Target("mypkg.losses:huber", (("gradient", "mypkg.losses:huber_grad"),), "numba", (("delta", 1.0),)),
    inputs=(Input("x", Drawn((33,), "normal", (("mean", 0), ("std", 3.0))), avoid=Avoid((-1.0, 1.0), 0.01)),),
    checks=("vjp",),
    settings=Settings(h=(1e-3, 1e-4), tolerance=Tolerance(rtol=1e-5), timeout=60),
    seed=20261122,
    axes=(("n", 33),),
    tags=("fast", "loss"),
    owner="@optim-team",
    place="configs/suite.yaml:12:5",
    suite="configs/suite.yaml",
)

MESSAGE = "d out/d x[3]: analytic -0.491921, numeric -0.491917 ± 7e-11, apart by 4.9e-06, allowed 5.0e-07"

FAILED = Verdict(
    id=CASE.id,
    status=Status.FAIL,
    diagnosis=Diagnosis.ONE_ELEMENT,
    message=MESSAGE,
    evidence="32 of 33 elements agree; x[3] does not.",
    engine="numba",
    measures=Measures(9.8, 4.9e-06, 1e-05, 7e-11, 3.1e-4, 1.2e-4, 2.0, 412, 0.031),
    counts=Counts(33, 33, 32, 1, 0, 0),
    elements=(
        Element(
            "vjp", Status.FAIL, "out", "x[3]", 0.7, -0.4919214, -0.4919165, 7e-11, 5e-07, 9.8, 1.2e-4, "apart", 0.0
        ),
        Element("vjp", Status.PASS, "out", "x[0]", 1.7, 1.0, 1.0, 1e-12, 1e-5, 1e-7, 1.2e-4, "", 1e-5),
    ),
    curves=tuple(
        CurvePoint("vjp", "out", "x[3]", 10.0**-k, -0.491917, 4.9e-06 + 10.0 ** (-2 * k), 10.0 ** (k - 16))
        for k in range(1, 10)
    ),
    notes=("the suite's steps were extended",),
)


def literal_audit() -> Audit:
    """Every status, every kind of input, text that attacks each format, and numbers that are none."""
    verdicts = [FAILED, *_one_of_each_status()]
    results = [Result(_case(index, verdict.id), verdict) for index, verdict in enumerate(verdicts)]
    return Audit(RUN, (*results, _hostile()))


def _one_of_each_status() -> list[Verdict]:
    others = [status for status in Status if status is not Status.FAIL]
    return [Verdict(f"plain.{status}", status, message=f"this is {status}") for status in others]


def _case(index: int, id_: str) -> Case:
    if id_ == CASE.id:
        return CASE
    sources = (Given(((1.0, nan), (inf, -inf), "NaN", "\\NaN")), Stored("/data/x.npz", "theta"), Given(True))
    expect = Expectation("fail", "GH-412", date(2027, 1, 31)) if "x" in id_ else None
    return Case(
        id=id_,
        name=id_,
        target=Target("mypkg:f", (), None, (("eps", nan), ("mode", "Infinity"), ("flags", (True, None, 3)))),
        inputs=(Input("x", sources[index % 3], "float32", bounds=(0.0, None)),),
        checks=("jvp",),
        expect=expect,
    )


def _hostile() -> Result:
    strange = Element("vjp", Status.FAIL, HOSTILE, HOSTILE, nan, inf, -inf, nan, 0.0, inf, 5e-324, HOSTILE)
    point = CurvePoint("vjp", HOSTILE, HOSTILE, 1e-3, nan, inf, nan)
    case = Case(
        id=HOSTILE,
        name=HOSTILE,
        target=Target(HOSTILE, ((HOSTILE, HOSTILE),), None, ((HOSTILE, HOSTILE),)),
        inputs=(Input(HOSTILE, Given(HOSTILE)),),
        checks=(HOSTILE,),
        axes=((HOSTILE, HOSTILE),),
        point=HOSTILE,
        tags=(HOSTILE,),
        owner=HOSTILE,
        expect=Expectation("fail", HOSTILE),
        place=HOSTILE,
        suite=HOSTILE,
        env=((HOSTILE, HOSTILE),),
    )
    verdict = Verdict(
        *(HOSTILE, Status.ERROR, Diagnosis.RAISED, HOSTILE, HOSTILE, HOSTILE),
        measures=Measures(inf, inf, -inf, nan),
        elements=(strange,),
        curves=(point, point),
        notes=(HOSTILE,),
        traceback=HOSTILE,
        printed=HOSTILE,
        power=(Planted(HOSTILE, HOSTILE, Catch.MISSED, inf, HOSTILE, Diagnosis.RAISED, 7),),
        certificates=(Certificate(HOSTILE, 9, 6, (HOSTILE,), 1, 1e-9, inf, nan, 0, 1e-3, (Decade(-300, 9, inf),)),),
    )
    return Result(case, verdict)


def large_audit(cases: int = 500) -> Audit:
    """A night of `cases` cases with V-curves as real functions have them; most pass, some of each kind do not."""
    rng = np.random.default_rng(7)
    return Audit(RUN, tuple(_ordinary(index, rng) for index in range(cases)))


_NAMES = ("ops.softmax", "ops.layer_norm", "losses.huber", "ops.conv2d", "ops.attention", "special.gammaln")
_RARE = {
    11: (Status.FAIL, Diagnosis.WRONG_SIGN),
    101: (Status.FAIL, Diagnosis.CONSTANT_FACTOR),
    202: (Status.FAIL, Diagnosis.ONE_ELEMENT),
    250: (Status.ERROR, Diagnosis.RAISED),
    260: (Status.TIMEOUT, Diagnosis.TIMED_OUT),
    270: (Status.CRASH, Diagnosis.DIED),
    300: (Status.INCONCLUSIVE, Diagnosis.KINK),
    301: (Status.INCONCLUSIVE, Diagnosis.NOISE),
    400: (Status.XFAIL, Diagnosis.NOISE),
    401: (Status.XPASS, Diagnosis.UNEXPECTED_PASS),
}
_ERRORS = {Diagnosis.WRONG_SIGN: 2.0, Diagnosis.CONSTANT_FACTOR: 0.5, Diagnosis.ONE_ELEMENT: 3e-3}


def _ordinary(index: int, rng: np.random.Generator) -> Result:
    name = _NAMES[index % len(_NAMES)]
    axes = (("n", index // len(_NAMES) + 1), ("dtype", ("float64", "float32")[index % 2]))
    id_ = f"{name}[{','.join(f'{key}={value}' for key, value in axes)}]"
    status, diagnosis = _RARE.get(index, (Status.PASS, None))
    target = Target(f"mypkg.{name.replace('.', ':')}", (("vjp", f"mypkg.{name.replace('.', ':')}_vjp"),), "numba")
    case = Case(
        *(id_, name, target, (Input("x", Drawn((4, 8))), Input("weight", Drawn((8,)))), ("vjp", "jvp")),
        seed=RUN.seed,
        axes=axes,
        tags=("nightly",),
        owner="@optim-team",
        place=f"configs/suite.yaml:{10 + index}:5",
        suite="configs/suite.yaml",
    )
    if status in (Status.ERROR, Status.TIMEOUT, Status.CRASH):
        return Result(case, _broken(id_, status, diagnosis))
    return Result(case, _measured(id_, status, diagnosis, rng))


def _broken(id_: str, status: Status, diagnosis: Diagnosis | None) -> Verdict:
    trace = 'Traceback (most recent call last):\n  File "mypkg/ops.py", line 41, in conv2d\n'
    trace += "    return weight @ patches\nValueError: matmul: shapes (4, 8) and (7, 3) do not match\n"
    message = "the function raised ValueError"
    return Verdict(id_, status, diagnosis, message, traceback=trace, printed="warming up…\n" * 3)


def _measured(id_: str, status: Status, diagnosis: Diagnosis | None, rng: np.random.Generator) -> Verdict:
    wrong = _ERRORS.get(diagnosis, 0.0) if diagnosis else 0.0
    elements, curves = [], []
    for check, output in (("vjp", "out·cotangent 1"), ("jvp", "out[2, 0]")):
        for rank in range(5):
            numeric = float(rng.normal())
            bar = abs(numeric) * 10 ** float(rng.uniform(-13, -9))
            analytic = numeric * (1 - (wrong if rank == 0 else 0.0)) + float(rng.normal()) * bar / 2
            allowed = 3 * bar + 1e-5 * max(abs(numeric), abs(analytic))
            ratio = abs(analytic - numeric) / allowed
            ended = Status.FAIL if ratio > 1 else Status.PASS
            where = f"x[{int(rng.integers(4))}, {int(rng.integers(8))}]"
            reason = "apart by more than tolerance and uncertainty" if ratio > 1 else ""
            x, h = float(rng.normal()), 10 ** float(rng.uniform(-4, -2))
            row = (check, ended, output, where, x, analytic, numeric, bar, allowed, ratio, h, reason, 1e-5)
            elements.append(Element(*row))
        curves += _v_curve(elements[-5], rng)
    worst = max(elements, key=lambda item: item.error_over_tolerance)
    apart = abs(worst.analytic - worst.numeric)
    relative = apart / max(abs(worst.analytic), abs(worst.numeric))
    bound = 10 ** float(rng.uniform(-5, -3.3))
    numbers = (worst.error_over_tolerance, apart, relative, worst.uncertainty, bound, worst.h, 2.0)
    measures = Measures(*numbers, int(rng.integers(80, 900)), float(rng.gamma(2.0, 0.02)))
    failed = sum(element.status is Status.FAIL for element in elements)
    message = (
        f"d {worst.output}/d {worst.input}: analytic {worst.analytic:.6g}, numeric {worst.numeric:.6g} ± "
        f"{worst.uncertainty:.0e}, apart by {apart:.1e}, allowed {worst.allowed:.1e}"
    )
    return Verdict(
        *(id_, status, diagnosis, message if status is not Status.PASS else ""),
        evidence="analytic / numeric is −1.000 at all 40 elements." if wrong == 2.0 else "",
        engine="numba",
        measures=measures,
        counts=Counts(40, 40, 40 - failed, failed),
        elements=tuple(sorted(elements, key=lambda item: -item.error_over_tolerance)),
        curves=tuple(curves),
    )


def _v_curve(element: Element, rng: np.random.Generator) -> list[CurvePoint]:
    third = abs(element.numeric) * 10 ** float(rng.uniform(-1, 1))
    points = []
    for h in 8.0 ** -np.arange(1, 14):
        noise = 3 * 2.0**-53 / h
        numeric = element.numeric + third * h**2 + float(rng.normal()) * noise / 3
        error = abs(element.analytic - numeric)
        points.append(CurvePoint(element.check, element.output, element.input, float(h), numeric, error, float(noise)))
    return points
