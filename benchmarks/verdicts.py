"""Whether verdicts are right: false alarms, missed errors and honest doubt, beside every rival's, over the same cases.

``python -m benchmarks verdicts [--seed S] [--quick]``. Designed functions (``_problems``) and random ones, each with
two sets of seeds: the first is there to tune on, the held-out one is only ever measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from joblib import Parallel, delayed

from benchmarks._mutations import BINS, Claim, bin_of, right_claims, wrong_claims
from benchmarks._problems import DESIGNED, Situation, situate
from benchmarks._problems.trees import random_situation
from benchmarks._procedures import RIVALS, Answer, by_gradaudit, by_rival, installed
from benchmarks._table import table
from gradaudit.judge.element import Outcome
from gradaudit.plan.case import Settings

#: The held-out seeds lie this far from those that were tuned on.
HELD_OUT = 1000
TREES, QUICK_TREES, QUICK_STRIDE = 150, 25, 6
OWN = "gradaudit"
#: From here on an error must not be missed.
GRAVE = 0.0099
GOALS = "goals: no false alarm, ≤ 5 % inconclusive, ≤ 0.1 % of errors ≥ 1 % missed, ≤ 4 evaluations where f is smooth"


@dataclass(frozen=True)
class Record:
    """One claim, one procedure, one answer."""

    procedure: str
    situation: Situation
    claim: Claim
    answer: Answer

    @property
    def right(self) -> bool:
        """The claim is right."""
        return self.claim.error == 0

    @property
    def false_alarm(self) -> bool:
        """A right claim failed."""
        return self.right and self.answer.outcome == Outcome.FAIL

    @property
    def missed(self) -> bool:
        """A wrong claim passed."""
        return not self.right and self.answer.outcome == Outcome.PASS


def run(*options: str) -> str:
    """Every table. Raises SystemExit for an option that is not known."""
    seed, quick = parse(options)
    procedures = [OWN, *filter(installed, RIVALS)]
    absent = [rival for rival in RIVALS if not installed(rival)]
    parts = [GOALS]
    own: list[Record] = []
    for title, cases in case_sets(seed, quick=quick).items():
        records = measure(cases, procedures)
        parts.append(table(f"{title}: {count(records)}", *by_procedure(records, procedures)))
        own += [record for record in records if record.procedure == OWN]
    parts.append(table("gradaudit by family, all sets together", *by_family(own)))
    parts += [f"{RIVALS[rival][0]} is not installed: its row is missing." for rival in absent]
    return "\n\n".join(parts)


def parse(options: Sequence[str]) -> tuple[int, bool]:
    """(seed, quick)"""
    rest, seed = list(options), 0
    quick = "--quick" in rest
    if quick:
        rest.remove("--quick")
    if rest[:1] == ["--seed"] and len(rest) == 2 and rest[1].isdigit():
        seed, rest = int(rest[1]), []
    if rest:
        raise SystemExit(f"verdicts: {' '.join(rest)!r} is unknown, allowed: --seed S, --quick; leave it out")
    return seed, quick


def case_sets(seed: int, *, quick: bool) -> dict[str, list[tuple[str, int]]]:
    """Title → (name of a designed problem, or "" for a random one; its seed)."""
    names = list(DESIGNED)[:: QUICK_STRIDE if quick else 1]
    trees = QUICK_TREES if quick else TREES
    held_out = seed + HELD_OUT
    return {
        f"Designed functions, seed {seed}": [(name, seed) for name in names],
        f"Designed functions, held-out seed {held_out}": [(name, held_out) for name in names],
        f"Random functions from seed {seed}": [("", seed + k) for k in range(trees)],
        f"Random functions from held-out seed {held_out}": [("", held_out + k) for k in range(trees)],
    }


def measure(cases: Iterable[tuple[str, int]], procedures: Sequence[str], *, jobs: int = 1) -> list[Record]:
    """Every procedure on every claim about every case."""
    found = Parallel(n_jobs=jobs)(delayed(records_of)(name, seed, procedures) for name, seed in cases)
    return [record for records in found for record in records]


def records_of(name: str, seed: int, procedures: Sequence[str]) -> list[Record]:
    """The same for one case."""
    situation = situate(DESIGNED[name], seed) if name else random_situation(seed)
    return [
        Record(procedure, situation, claim, ask(procedure, situation, claim))
        for claim in (*right_claims(situation), *wrong_claims(situation))
        for procedure in procedures
    ]


def ask(procedure: str, situation: Situation, claim: Claim) -> Answer:
    """One procedure on one claim; at a kink gradaudit is told to accept what lies between the slopes."""
    if procedure != OWN:
        return by_rival(procedure, situation.function, claim.value, situation.x)
    settings = Settings(kinks="accept" if situation.problem.kink else "undecided")
    return by_gradaudit(situation.function, claim, situation.x, settings=settings)


def count(records: Sequence[Record]) -> str:
    """``154 functions, 322 right claims, 1,932 wrong ones``"""
    one = [record for record in records if record.procedure == OWN]
    functions = len({record.situation.problem.name for record in one})
    right = sum(record.right for record in one)
    return f"{functions} functions, {right:,} right claims, {len(one) - right:,} wrong ones"


def by_procedure(records: Sequence[Record], procedures: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: shares in %, evaluations per element of a right claim (the deciding ones, and all)."""
    columns = ["procedure", "false alarms", "inconclusive", *(f"missed {b}" for b in BINS.values())]
    columns += ["wrong, inconclusive", "evaluations", "all calls"]
    rows = []
    for procedure in procedures:
        mine = [record for record in records if record.procedure == procedure]
        right = [record for record in mine if record.right]
        wrong = [record for record in mine if not record.right]
        binned = [[r for r in wrong if bin_of(r.claim.error) == name] for name in BINS.values()]
        rows.append(
            [
                procedure,
                share(r.false_alarm for r in right),
                share(r.answer.outcome == Outcome.INCONCLUSIVE for r in right),
                *(share(r.missed for r in part) for part in binned),
                share(r.answer.outcome == Outcome.INCONCLUSIVE for r in wrong),
                f"{per_element(right, deciding=True):.1f}",
                f"{per_element(right, deciding=False):.1f}",
            ]
        )
    return columns, rows


def by_family(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: counts, so that every single one can be asked for."""
    columns = ["family", "right", "false alarms", "inconclusive", "wrong", "missed", "≥ 1 %", "flagged", "evaluations"]
    families = dict.fromkeys(record.situation.problem.family for record in records)
    return columns, [family_row(family, records) for family in families]


def family_row(family: str, records: Sequence[Record]) -> list[str]:
    """``flagged``: grave misses that the verdict itself calls bounded relative to the largest sensitivity only."""
    mine = [record for record in records if record.situation.problem.family == family]
    right = [record for record in mine if record.right]
    missed = [record for record in mine if record.missed]
    grave = [record for record in missed if record.claim.error >= GRAVE]
    doubtful = sum(record.answer.outcome == Outcome.INCONCLUSIVE for record in right)
    numbers = (len(right), sum(r.false_alarm for r in right), doubtful, len(mine) - len(right), len(missed), len(grave))
    flagged = sum(record.answer.floored > 0 for record in grave)
    return [family, *map(str, numbers), str(flagged), f"{per_element(right, deciding=True):.1f}"]


def share(flags: Iterable[bool]) -> str:
    """In %, and "0" only where there is none."""
    values = list(flags)
    percent = 100 * sum(values) / max(1, len(values))
    return f"{percent:.2f}" if percent else "0"


def per_element(records: Sequence[Record], *, deciding: bool) -> float:
    """Evaluations of f, divided by the elements of the gradient."""
    calls = sum(record.answer.deciding if deciding else record.answer.calls for record in records)
    return calls / max(1, sum(record.claim.value.size for record in records))
