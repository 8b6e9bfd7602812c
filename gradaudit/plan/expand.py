"""A suite to cases: every combination of the matrix at every point, with its settings resolved."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, TypeVar

from gradaudit.plan.case import TIMEOUT, Case, Expectation, Input, Scalar, Settings, Target, Tolerance
from gradaudit.plan.checks import checks_of
from gradaudit.plan.inputs import InputProblem, inputs_of, precision, routes_of
from gradaudit.plan.precision import EPSILONS
from gradaudit.plan.selection import Predicate, Selection, SelectionError, predicate, unknown_ids
from gradaudit.plan.symbols import SymbolError, substitute
from gradaudit.suite.problem import Place, Problem, SuiteError
from gradaudit.suite.quantities import Elements
from gradaudit.suite.scalars import written
from gradaudit.suite.suite import BUILT_IN, Entry, Setting, Suite

Step = TypeVar("Step", str, int)


def make_plan(suite: Suite, *, select: Selection | None = None) -> tuple[Case, ...]:
    """The selected cases, in the order of the suite; an empty tuple where nothing is selected.

    Raises SuiteError where an item cannot be expanded, two ids are equal, or the selection cannot be read.
    """
    return choose(suite, select or Selection()).cases


@dataclass(frozen=True)
class Choice:
    """What is to run of a suite."""

    cases: tuple[Case, ...]  #: in the order of the suite
    whole: bool  #: nothing was left out, neither by the selection nor by the profile
    unknown: tuple[str, ...]  #: a sentence for each id that is asked for and names no case


def choose(suite: Suite, selection: Selection) -> Choice:
    """The selected cases, and what became of the others. Raises SuiteError as ``make_plan`` does."""
    planned = _expand_all(suite)
    cases = tuple(plan.case for plan in _selected(planned, selection))
    unknown = tuple(unknown_ids(selection, tuple(plan.case for plan in planned)))
    if unknown and len(unknown) < len(selection.ids):
        # silently running the other ids would look like success
        raise SuiteError(Problem(Place("--id"), sentence) for sentence in unknown)
    return Choice(cases, len(cases) == len(planned), unknown)


def show_config(suite: Suite, case_id: str) -> list[tuple[str, object, str]]:
    """(key, value, origin) for every setting of one case. Raises SuiteError where no case has this id."""
    planned = _expand_all(suite)
    for plan in planned:
        if plan.case.id == case_id:
            return _configuration(plan)
    selection = Selection(ids=(case_id,))
    raise SuiteError(Problem(Place("--show-config"), s) for s in unknown_ids(selection, tuple(p.case for p in planned)))


@dataclass(frozen=True)
class _Planned:
    """A case beside what it was made from."""

    case: Case
    entry: Entry
    settings: Mapping[str, Setting[Any]]


def _expand_all(suite: Suite) -> list[_Planned]:
    planned: list[_Planned] = []
    problems: dict[Problem, None] = {}
    for entry in suite.entries:
        for made in _expand(entry):
            if isinstance(made, Problem):
                problems[made] = None
            else:
                planned.append(made)
    problems.update(dict.fromkeys(_equal_ids(planned)))
    if problems:
        raise SuiteError(problems)
    return planned


def _expand(entry: Entry) -> Iterator[_Planned | Problem]:
    settings_for = cache(entry.settings)
    for axes in _combinations(entry):
        for point in entry.keys.at or (None,):
            try:
                inputs = inputs_of(entry, axes, point)
            except InputProblem as error:
                yield error.problem
                continue
            settings = settings_for(precision(inputs))
            yield from _case(entry, axes, point, inputs, settings)


def _case(
    entry: Entry,
    axes: dict[str, Scalar],
    point: str | None,
    inputs: tuple[Input, ...],
    settings: dict[str, Setting[Any]],
) -> Iterator[_Planned | Problem]:
    checks, problems = checks_of(entry, settings)
    problems = [*problems, *_setting_problems(entry, settings), *_input_problems(entry, inputs, settings)]
    kwargs = tuple(_substituted(entry, "kwargs", entry.keys.kwargs.items(), axes, problems))
    args = tuple(_substituted(entry, "args", enumerate(entry.keys.args), axes, problems))
    if problems:
        yield from problems
        return
    constants = tuple(i for i, given in enumerate(inputs) if not given.differentiate)
    case = Case(
        id=case_id(entry.keys.label, axes, point),
        name=entry.keys.label,
        target=Target(
            entry.keys.function,
            entry.keys.claims,
            settings["engine"].value,
            kwargs,
            constants,
            tuple(value for _, value in args),
            routes_of(inputs),
        ),
        inputs=inputs,
        checks=checks,
        settings=_settings(settings),
        seed=entry.seed.value,
        axes=tuple(axes.items()),
        point=point,
        points=entry.keys.points or 1,
        tags=tuple(entry.tags),
        owner=settings["owner"].value,
        expect=_expectation(entry),
        place=str(entry.place),
        suite=entry.root,
        path=entry.path,
        env=entry.env,
        was=tuple(case_id(name, axes, point) for name in entry.keys.was),
    )
    plan = _Planned(case, entry, settings)
    yield replace(plan, case=replace(case, origins=_origins(plan)))


def _substituted(
    entry: Entry, key: str, values: Iterable[tuple[Step, object]], axes: Mapping[str, Scalar], problems: list[Problem]
) -> Iterator[tuple[Step, object]]:
    """``values`` below ``key`` with the values of axes in them; ``problems`` gets what cannot be."""
    for step, value in values:
        try:
            yield step, substitute(value, axes)
        except SymbolError as error:
            problems.append(entry.problem(str(error), key, step))


def case_id(name: str, axes: Mapping[str, Scalar], point: str | None) -> str:
    """``name[k=v,…]@point``, in the order written."""
    combination = ",".join(f"{axis}={written(value)}" for axis, value in axes.items())
    return name + (f"[{combination}]" if axes else "") + (f"@{point}" if point is not None else "")


def _combinations(entry: Entry) -> Iterator[dict[str, Scalar]]:
    matrix = entry.keys.matrix
    if matrix is None:
        yield {}
        return
    axes = matrix.axes
    for values in product(*axes.values()):
        combination = dict(zip(axes, values, strict=True))
        if not any(_holds(excluded, combination) for excluded in matrix.exclude):
            yield combination


def _holds(excluded: Mapping[str, Scalar], combination: Mapping[str, Scalar]) -> bool:
    return all(written(combination[axis]) == written(value) for axis, value in excluded.items())


def _equal_ids(planned: list[_Planned]) -> Iterator[Problem]:
    first: dict[str, _Planned] = {}
    for plan in planned:
        other = first.setdefault(plan.case.id, plan)
        if other is plan:
            continue
        if other.case.place == plan.case.place:
            yield plan.entry.problem(f"id {plan.case.id!r} is made twice here; is the file named or included twice?")
        else:
            message = f"id {plan.case.id!r} is taken by {other.case.place}; give one of them another 'name'"
            yield plan.entry.problem(message)


def _selected(planned: list[_Planned], selection: Selection) -> Iterator[_Planned]:
    keyword = _predicate(selection.keyword, Problem(Place("-k"), ""))
    for plan in planned:
        case = plan.case
        if selection.ids and case.id not in selection.ids:
            continue
        if selection.tags and not set(selection.tags) & set(case.tags):
            continue
        if not selection.ids and not _in_profile(plan):
            continue
        if keyword is None or keyword(case):
            yield plan


def _in_profile(plan: _Planned) -> bool:
    chosen = plan.entry.select
    if chosen is None or chosen.layer is None:
        return True
    found = _predicate(str(chosen.value), chosen.layer.problem("", "select"))
    return found is None or found(plan.case)


def _predicate(expression: str | None, where: Problem) -> Predicate | None:
    try:
        return None if expression is None else predicate(expression)
    except SelectionError as error:
        raise SuiteError([Problem(where.place, str(error), where.source_line)]) from None


def _settings(found: Mapping[str, Setting[Any]]) -> Settings:
    settings = Settings(
        h=found["h"].value,
        tolerance=Tolerance(
            rtol=found["tolerance.rtol"].value,
            resolution=found["tolerance.resolution"].value,
            atol=found["tolerance.atol"].value,
        ),
        method=found["method"].value,
        extend=found["extend"].value,
        kinks=found["kinks"].value,
        timeout=found["timeout"].value,
    )
    elements = found["elements"].value
    return settings.choosing(elements.kind, elements.count)


def _setting_problems(entry: Entry, found: Mapping[str, Setting[Any]]) -> Iterator[Problem]:
    """``method: central`` is the plain rule of one h and one tolerance: it needs both said."""
    method = found["method"]
    if method.value != "central" or method.layer is None:
        return
    h, extend = found["h"].value, found["extend"]
    if h is None or len(h) != 1:
        got = "auto" if h is None else f"{len(h)} steps"
        yield method.layer.problem(f"method: central needs exactly one h, got {got}; write h: 1e-4", "method")
    if found["elements"].value.kind in ("directions", "auto"):
        message = "method: central has no error bars to certify with; write elements: all, or leave method out"
        yield method.layer.problem(message, "method")
    if extend.value:
        yield method.layer.problem("method: central goes by the given h alone; write extend: false", "method")


def _input_problems(entry: Entry, inputs: tuple[Input, ...], settings: Mapping[str, Setting[Any]]) -> Iterator[Problem]:
    # the parameters of a module are inputs too, known when it is loaded
    if settings["engine"].value != "torch" and not any(source.differentiate for source in inputs):
        yield entry.problem("no input is differentiated; give at least one a floating dtype", "inputs")


def _expectation(entry: Entry) -> Expectation | None:
    expect = entry.keys.expect
    return Expectation(expect.status, expect.reason, expect.until) if expect else None


def _configuration(plan: _Planned) -> list[tuple[str, object, str]]:
    """Every setting as the case uses it, with its origin."""
    case, entry = plan.case, plan.entry
    item = f"functions[{entry.index}] ({case.place})"
    rows: list[tuple[str, object, str]] = [("function", case.target.function, item)]
    rows.extend((kind, reference, item) for kind, reference in case.target.claims)
    rows.extend(_setting_row(plan, key, found) for key, found in plan.settings.items() if key != "checks")
    rows.append(("checks", case.checks, plan.settings["checks"].origin))
    rows.append(("tags", case.tags, "; ".join(dict.fromkeys(tag.origin for tag in entry.tags.values())) or BUILT_IN))
    if entry.keys.points is not None:
        rows.append(("points", case.points, item))
    rows.append(("seed", case.seed, entry.seed.origin))
    return rows


def _origins(plan: _Planned) -> tuple[tuple[str, str], ...]:
    return tuple((key, origin) for key, _, origin in _configuration(plan) if not origin.startswith(BUILT_IN))


def _setting_row(plan: _Planned, key: str, found: Setting[Any]) -> tuple[str, object, str]:
    """One setting in the words of the suite file; for what is left to the tool, the value that it uses."""
    value = found.value
    if isinstance(value, Elements):
        return key, value.kind if value.count is None else {value.kind: value.count}, found.origin
    if value is None and key in ("tolerance.rtol", "tolerance.resolution"):
        return _by_precision(plan.case, key, found.origin)
    left_out = {"h": "auto", "timeout": TIMEOUT}
    return key, left_out.get(key) if value is None else value, found.origin


def _by_precision(case: Case, key: str, origin: str) -> tuple[str, object, str]:
    """What holds for the inputs; outputs that are narrower are known when they are there, as what a module holds is."""
    dtype = precision(case.inputs)
    if dtype is None:
        return key, None, f"{origin}, by precision"
    rtol, resolution = case.settings.tolerance.at_precision(EPSILONS[dtype])
    return key, rtol if key == "tolerance.rtol" else resolution, f"{origin}, by precision ({dtype})"
