"""A suite to cases: every combination of the matrix at every point, with its settings resolved."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import TypeVar

from gradaudit.plan.case import Case, Expectation, Input, Settings, Target
from gradaudit.plan.checks import checks_of
from gradaudit.plan.configuration import configuration
from gradaudit.plan.inputs import InputProblem, idle_dtype, inputs_of, is_empty, precision, routes_of
from gradaudit.plan.selection import Predicate, Selection, SelectionError, predicate, unknown_ids
from gradaudit.plan.settings import Found, origins, setting_problems, settings_of
from gradaudit.plan.symbols import SymbolError, substitute
from gradaudit.suite.problem import Place, Problem, SuiteError
from gradaudit.suite.scalars import Scalar, written
from gradaudit.suite.schema import COMBINED, NAMING
from gradaudit.suite.setting_keys import SettingKeys
from gradaudit.suite.suite import Entry, Suite

Step = TypeVar("Step", str, int)


def make_plan(suite: Suite, *, select: Selection | None = None) -> tuple[Case, ...]:
    """The selected cases, in the order of the suite; an empty tuple where nothing is selected.

    Raises SuiteError with everything that is wrong with the suite: what was found when it was read, what cannot be
    expanded, ids that are equal; or where the selection cannot be read.
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
            return configuration(plan.case, plan.entry, plan.found)
    selection = Selection(ids=(case_id,))
    raise SuiteError(Problem(Place("--show-config"), s) for s in unknown_ids(selection, tuple(p.case for p in planned)))


@dataclass(frozen=True)
class _Planned:
    """A case beside what it was made from."""

    case: Case
    entry: Entry
    found: Found


@dataclass(frozen=True)
class _Resolved:
    """What all cases of an entry have in common whose narrowest differentiated input has one dtype."""

    found: Found
    settings: Settings
    origins: tuple[tuple[str, str], ...]
    checks: tuple[str, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, entry: Entry, dtype: str | None) -> "_Resolved":
        found = entry.settings(dtype)
        checks, problems = checks_of(entry, found)
        if entry.knows(*SettingKeys.model_fields):
            problems += setting_problems(found)
        return cls(found, settings_of(found), origins(entry, found), checks, tuple(problems))


def _expand_all(suite: Suite) -> list[_Planned]:
    planned: list[_Planned] = []
    problems: dict[Problem, None] = dict.fromkeys(suite.problems)
    for entry in suite.entries:
        for made in _expand(entry):
            if isinstance(made, Problem):
                problems[made] = None
            else:
                planned.append(made)
    problems.update(dict.fromkeys((*_equal_ids(suite.entries), *_unreadable_selections(suite))))
    if problems:
        raise SuiteError(problems)
    return planned


def _expand(entry: Entry) -> Iterator[_Planned | Problem]:
    resolved = cache(partial(_Resolved.of, entry))
    if not entry.knows(*COMBINED):
        yield from resolved(None).problems
        return
    for axes, point in _places(entry):
        try:
            inputs = inputs_of(entry, axes, point)
        except InputProblem as error:
            yield error.problem
            continue
        yield from _case(entry, axes, point, inputs, resolved(precision(inputs)))


def _case(
    entry: Entry,
    axes: dict[str, Scalar],
    point: str | None,
    inputs: tuple[Input, ...],
    resolved: _Resolved,
) -> Iterator[_Planned | Problem]:
    engine = resolved.found["engine"].value
    problems = list(resolved.problems)
    if entry.knows("engine", "inputs"):
        problems += _input_problems(entry, inputs, engine)
    if idle := idle_dtype(entry, axes, point):
        problems.append(idle)
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
            engine,
            kwargs,
            constants,
            tuple(value for _, value in args),
            routes_of(inputs),
        ),
        inputs=inputs,
        checks=resolved.checks,
        settings=resolved.settings,
        seed=entry.seed.value,
        axes=tuple(axes.items()),
        point=point,
        points=entry.keys.points or 1,
        tags=tuple(entry.tags),
        owner=resolved.found["owner"].value,
        expect=_expectation(entry),
        place=str(entry.place),
        origins=resolved.origins,
        suite=entry.root,
        path=entry.path,
        env=entry.env,
        was=tuple(case_id(name, axes, point) for name in entry.keys.was),
    )
    yield _Planned(case, entry, resolved.found)


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


def _places(entry: Entry) -> Iterator[tuple[dict[str, Scalar], str | None]]:
    """Of each case of an entry its values of the axes, and its point."""
    return product(_combinations(entry), entry.keys.at or (None,))


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


def _equal_ids(entries: Sequence[Entry]) -> Iterator[Problem]:
    first: dict[str, Entry] = {}
    twice: dict[Place, list[str]] = {}  #: ids of items that are there a second time, by where they stand
    for entry in entries:
        for axes, point in _places(entry) if entry.knows(*NAMING) else ():
            id_ = case_id(entry.keys.label, axes, point)
            other = first.setdefault(id_, entry)
            if other is entry:
                continue
            if other.place == entry.place:
                twice.setdefault(entry.place, []).append(id_)
            else:
                yield entry.problem(f"id {id_!r} is taken by {other.place}; give one of them another 'name'")
    by_place = {entry.place: entry for entry in entries}
    for place, (id_, *more) in twice.items():
        are = f"and {len(more)} more are" if more else "is"
        message = f"id {id_!r} {are} made twice here; is the file named or included twice?"
        yield by_place[place].problem(message)


def _unreadable_selections(suite: Suite) -> Iterator[Problem]:
    """Of every profile: what is wrong with one should not come out in the night that uses it."""
    named = {id(entry.file): entry.file for entry in suite.entries}
    for file in {id(above): above for one in named.values() for above in one.chain()}.values():
        for name, keys in file.keys.profiles.items():
            try:
                if keys.select is not None:
                    predicate(keys.select)
            except SelectionError as error:
                yield file.document.problem(str(error), ("profiles", name, "select"))


def _selected(planned: list[_Planned], selection: Selection) -> Iterator[_Planned]:
    keyword = _keyword(selection.keyword)
    wanted = frozenset(selection.ids)
    for plan in planned:
        case = plan.case
        if wanted and case.id not in wanted:
            continue
        if selection.tags and not set(selection.tags) & set(case.tags):
            continue
        if not wanted and not _in_profile(plan):
            continue
        if keyword is None or keyword(case):
            yield plan


def _in_profile(plan: _Planned) -> bool:
    chosen = plan.entry.select
    return chosen is None or predicate(chosen.value)(plan.case)


def _keyword(expression: str | None) -> Predicate | None:
    try:
        return None if expression is None else predicate(expression)
    except SelectionError as error:
        raise SuiteError([Problem(Place("-k"), str(error))]) from None


def _input_problems(entry: Entry, inputs: tuple[Input, ...], engine: str | None) -> Iterator[Problem]:
    # the parameters of a module are inputs too, known when it is loaded
    if engine == "torch":
        return
    differentiated = [source for source in inputs if source.differentiate]
    if not differentiated:
        yield entry.problem("no input is differentiated; give at least one a floating dtype", "inputs")
    elif all(map(is_empty, differentiated)):
        yield entry.problem("no input that is differentiated has an element; give one a shape without 0", "inputs")


def _expectation(entry: Entry) -> Expectation | None:
    expect = entry.keys.expect
    return Expectation(expect.status, expect.reason, expect.until) if expect else None
