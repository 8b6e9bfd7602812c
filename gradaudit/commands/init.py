"""Command ``init``: a first suite."""

import os
from pathlib import Path

import click

from gradaudit.commands import _speech as speech
from gradaudit.commands import _status as status


@click.command("init")
@click.argument("module", required=False)
@click.option(
    "-o",
    "output",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=Path("suite.yaml"),
    show_default=True,
    help="Where to write it; never over a file that is there.",
)
def command(module: str | None, output: Path) -> int:
    """Write a commented starter suite.

    For MODULE (pkg.losses, a file, or a package with all that is in it) it lists the functions that claim a derivative:
    f with f_grad, grad_f, f_der, f_vjp, f_prime and the like, custom functions of PyTorch, JAX and autograd, and ops
    made by gradaudit.primitive. Nothing is imported.
    """
    from gradaudit.suite import starter

    if module is None:
        return _write(output, starter.example(), "an example")
    try:
        located = starter.locate(module)
        found = starter.discover(located)
    except starter.NotFound as problem:
        return speech.stop(problem, status.USAGE)
    if not found:
        names = ", ".join(pattern.format("f") for pattern in starter.NAMES["gradient"][:4])
        known = f"a claim about f is called {names}, …; custom functions of PyTorch, JAX and autograd count too"
        return speech.stop(f"{located.file}: no function claims a derivative; {known}", status.NOTHING)
    root = os.path.relpath(located.root, output.parent)
    text = starter.text(found, path=root, source=f"gradaudit init {module}")
    return _write(output, text, f"{len(found)} function" + "s" * (len(found) > 1))


def _write(output: Path, text: str, what: str) -> int:
    elsewhere = "choose another place with -o PATH"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return speech.stop(f"{output} is there already; {elsewhere}", status.USAGE)
    except OSError as problem:
        return speech.stop(f"cannot write {output}: {problem.strerror}; {elsewhere}", status.USAGE)
    speech.put(f"wrote {output}: {what}; look at its inputs, then: gradaudit run {output}\n")
    return status.OK
