"""pytest collects suites: ``pytest configs/suite.yaml`` makes a test of each case, with -k, -n and readable failures.

A suite named on the command line is collected; so is one that matches ``gradaudit_suites``, glob patterns in pytest's
configuration. Cases run in a supervised child, as in ``gradaudit run``: none can take pytest down. An inconclusive case
is skipped by name, and fails under ``--gradaudit-strict``. Tags serve as keywords: ``pytest suite.yaml -k fast``.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradaudit.isolation.keeper import Keeper
    from gradaudit.judge.verdict import Verdict
    from gradaudit.plan.case import Case

ENDINGS = (".yaml", ".yml")


class Unexpected(AssertionError):
    """A case that did not end as it should: the message is the verdict's."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of suites, all under one prefix."""
    group = parser.getgroup("gradaudit", "suites of gradaudit")
    group.addoption("--gradaudit-strict", action="store_true", help="Inconclusive cases fail instead of being skipped.")
    group.addoption("--gradaudit-profile", metavar="NAME", help="Settings of the suite's profile NAME.")
    parser.addini("gradaudit_suites", "Glob patterns of the suites to collect.", type="args", default=[])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SuiteFile | None":
    """A suite that was named, or that matches ``gradaudit_suites``."""
    if file_path.suffix not in ENDINGS or not _is_wanted(file_path, parent):
        return None
    suite: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return suite


class SuiteFile(pytest.File):
    """A suite file: a test for each of its cases."""

    def collect(self) -> Iterator["CaseItem"]:
        """The cases of the suite in plan order. Raises CollectError with everything that is wrong with the file."""
        from gradaudit.plan import make_plan
        from gradaudit.suite import SuiteError, load_suite

        self.config.stash.setdefault(_MATCHED, set()).update(_patterns(self.path, self.config))
        try:
            suite = load_suite([_named(self.path)], profile=self.config.getoption("--gradaudit-profile"))
            cases = make_plan(suite)
        except SuiteError as problem:
            raise self.CollectError(str(problem)) from None
        for case in cases:
            yield CaseItem.from_parent(self, name=case.id, case=case)


class CaseItem(pytest.Item):
    """One case of a suite."""

    def __init__(self, *, case: "Case", **fields: Any) -> None:
        super().__init__(**fields)
        self.case = case
        self.extra_keyword_matches.update(case.tags)

    def runtest(self) -> None:
        """Audit the case. Raises Unexpected where it did not end as the suite expects; skips the inconclusive."""
        from gradaudit.judge.verdict import Status

        verdict = self._verdict()
        self.user_properties += [("status", str(verdict.status)), ("bound", verdict.measures.bound)]
        if verdict.printed:
            self.add_report_section("call", "printed", verdict.printed)
        if verdict.status is Status.INCONCLUSIVE and not self.config.getoption("--gradaudit-strict"):
            pytest.skip(f"inconclusive: {verdict.message}")
        if verdict.status is Status.XFAIL:
            pytest.xfail(verdict.message)
        if verdict.status is not Status.PASS:
            raise Unexpected(self._told(verdict))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The verdict alone: a traceback through the auditor would say nothing about the case."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The case's place in the suite."""
        _, line, _ = self.case.place.rsplit(":", 2)
        return self.path, int(line) - 1, self.name

    def _verdict(self) -> "Verdict":
        from gradaudit.isolation.keeper import Task
        from gradaudit.judge.expectation import judge_expectation
        from gradaudit.plan.case import TIMEOUT

        limit = self.case.settings.timeout or TIMEOUT
        verdict = _keeper(self.config).audit(Task(index=0, case=self.case, limit=limit))
        return judge_expectation(self.case.expect, verdict, today=date.today())

    def _told(self, verdict: "Verdict") -> str:
        from gradaudit import report, terminal
        from gradaudit.running.record import Result

        profile = self.config.getoption("--gradaudit-profile")
        options = ("--profile", profile) if profile else ()
        again = report.again(self.case, files=[self.case.suite], arguments=options)
        return "\n".join(terminal.told(Result(self.case, verdict), again=again))


def pytest_collection_finish(session: pytest.Session) -> None:
    """A pattern of ``gradaudit_suites`` that matched nothing would leave audits out, and nobody would notice."""
    config = session.config
    everything = config.args_source is not config.ArgsSource.ARGS and config.invocation_params.dir == config.rootpath
    for pattern in config.getini("gradaudit_suites") if everything else ():
        if pattern not in config.stash.get(_MATCHED, ()):
            where = ", ".join(config.args)
            problem = f"gradaudit_suites: {pattern!r} matches no file in {where}"
            told = pytest.PytestConfigWarning(f"{problem}; mend it, or add its folder to testpaths")
            config.issue_config_time_warning(told, stacklevel=2)


_MATCHED = pytest.StashKey[set[str]]()
_KEEPER = pytest.StashKey["Keeper"]()


def _keeper(config: pytest.Config) -> "Keeper":
    """The one that minds the child of this pytest process; it is closed with the session."""
    from gradaudit.isolation.keeper import Keeper

    if _KEEPER not in config.stash:
        config.stash[_KEEPER] = keeper = Keeper()
        config.add_cleanup(keeper.close)
    return config.stash[_KEEPER]


def _is_wanted(file: Path, parent: pytest.Collector) -> bool:
    return parent.session.isinitpath(file) or bool(_patterns(file, parent.config))


def _patterns(file: Path, config: pytest.Config) -> set[str]:
    """Those of ``gradaudit_suites`` that ``file`` matches."""
    return {pattern for pattern in config.getini("gradaudit_suites") if file.match(pattern)}


def _named(file: Path) -> Path:
    """As the user would name it: relative to the current folder where it lies within."""
    try:
        return file.relative_to(Path.cwd())
    except ValueError:
        return file
