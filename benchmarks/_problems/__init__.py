"""The problems of the verdicts table: each family of functions in one file, random expressions in another."""

from benchmarks._problems import broken, rough, smooth
from benchmarks._problems.problem import Problem, Situation, situate

DESIGNED: dict[str, Problem] = {p.name: p for p in (*smooth.PROBLEMS, *rough.PROBLEMS, *broken.PROBLEMS)}

__all__ = ["DESIGNED", "Problem", "Situation", "situate"]
