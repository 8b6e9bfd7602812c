"""``python -m benchmarks [TABLE...]``: print the tables, each from one run, under the machine's cores.

What follows the first ``-`` goes to the table: ``python -m benchmarks verdicts --quick``.
"""

import importlib
import pkgutil
import sys
from itertools import takewhile

import benchmarks
from benchmarks._table import machine


def main(words: list[str]) -> None:
    """Run the tables named, or all; a table is one file beside this one."""
    chosen = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(chosen) :]
    if options and len(chosen) != 1:
        raise SystemExit(f"{' '.join(options)}: options of which table? allowed: one table, then its options")
    tables = sorted(
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")
    )
    unknown = set(chosen) - set(tables)
    if unknown:
        raise SystemExit(
            f"{', '.join(sorted(unknown))}: no such table, allowed: {', '.join(tables)}; name one of these"
        )
    print(f"{machine()}\n")
    for name in chosen or tables:
        print(importlib.import_module(f"benchmarks.{name}").run(*options) + "\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
