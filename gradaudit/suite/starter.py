"""A first suite for a module or package: what claims a derivative there is read from its text; nothing is imported.

Pairs are found by name: ``f`` with ``f_grad``, ``grad_f``, ``f_der``, ``f_prime``, ``f_jac``, ``f_vjp``, … Custom
derivatives of frameworks are found by their form: ``torch.autograd.Function`` with a ``backward``, JAX's ``custom_vjp``
and ``custom_jvp``, autograd's ``defvjp``, and gradaudit's own ``primitive``.
"""

import ast
import importlib.machinery
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: How a claim about ``f`` is called in people's modules, by its kind, the commonest first.
NAMES: dict[str, tuple[str, ...]] = {
    "gradient": (
        "{}_grad",
        "grad_{}",
        "{}_gradient",
        "gradient_{}",
        "{}_der",
        "{}_prime",
        "d{}",
        "{}_deriv",
        "{}_backward",
    ),
    "value_and_gradient": ("{}_value_and_grad", "{}_and_grad", "{}_and_gradient", "value_and_grad_{}"),
    "vjp": ("{}_vjp", "vjp_{}"),
    "jvp": ("{}_jvp", "jvp_{}"),
    "jacobian": ("{}_jac", "jac_{}", "{}_jacobian", "jacobian_{}"),
    "hessian": ("{}_hess", "hess_{}", "{}_hessian", "hessian_{}"),
    "hvp": ("{}_hvp", "hvp_{}", "{}_hess_prod", "{}_hessp"),
}
_CALLED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CUSTOM = ("custom_vjp", "custom_jvp")  #: decorators of JAX


class NotFound(Exception):
    """No such module, or one without a text: the message says what was looked for, and where."""


@dataclass(frozen=True)
class Found:
    """A function with its claims, or one whose framework differentiates it."""

    reference: str  #: ``module:attribute``
    inputs: tuple[str, ...]  #: names of its positional parameters without a default, or of the first of all
    claims: tuple[tuple[str, str], ...] = ()  #: (kind, reference)
    engine: str | None = None
    line: int = 0
    options: tuple[tuple[str, object], ...] = ()  #: (parameter, default) where that is a plain value


@dataclass(frozen=True)
class Module:
    """A module's text, and the folder that makes it importable."""

    name: str
    file: Path
    root: Path


def locate(word: str) -> Module:
    """The module that ``word`` names: ``pkg.losses``, or a file such as ``src/pkg/losses.py``, or a package's folder.

    A dotted name is looked up in the current folder, in ``src``, and where Python looks. Raises NotFound.
    """
    path = Path(word)
    if os.sep in word and (path / "__init__.py").is_file():
        return _of_file(path / "__init__.py")
    if path.suffix == ".py" or os.sep in word:
        if not path.is_file():
            raise NotFound(f"{word}: no such file; name a module (pkg.losses) or a file (src/pkg/losses.py)")
        return _of_file(path)
    searched = [os.getcwd(), os.path.join(os.getcwd(), "src"), *sys.path]
    found = _find(word.split("."), searched)
    if found is None:
        raise NotFound(f"{word}: no such module here, in src/, or where Python looks; name a file instead")
    return Module(word, found, found.parents[word.count(".") + (found.name == "__init__.py")])


def discover(module: Module) -> list[Found]:
    """Every function of ``module`` that claims a derivative, in the order of its text; of a package, of all of it.

    Raises NotFound where a text cannot be read or is not Python.
    """
    return [found for part in _parts(module) for found in _read(part)]


def _parts(module: Module) -> Iterator[Module]:
    """The module and, of a package, the modules in it."""
    yield module
    if module.file.name == "__init__.py":
        inside = (_of_file(file) for file in sorted(module.file.parent.rglob("*.py")) if file != module.file)
        yield from (part for part in inside if part.name.startswith(f"{module.name}."))


def _read(module: Module) -> list[Found]:
    try:
        tree = ast.parse(module.file.read_bytes(), filename=str(module.file))
    except (OSError, SyntaxError, ValueError) as problem:
        raise NotFound(f"{module.file}: cannot be read as Python: {problem}") from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    found = [*_pairs(module.name, functions), *_custom(module.name, functions), *_classes(module.name, tree.body)]
    found += [*_defvjps(module.name, functions, tree.body), *_primitives(module.name, functions, tree.body)]
    distinct = {item.reference: item for item in found if item.inputs}  # of what takes nothing there is no derivative
    return sorted(distinct.values(), key=lambda item: item.line)


def text(found: Sequence[Found], *, path: str | None, source: str) -> str:
    """A commented suite for ``found``; ``path`` is the folder to import from, seen from the suite's."""
    head = _HEAD.format(source=source) + (f"path: [{_quoted(path)}]\n" if path else "") + "functions:\n"
    times = Counter(map(_label, found))
    names = [_label(item) if times[_label(item)] == 1 else item.reference.replace(":", ".") for item in found]
    entries = zip(found, names, strict=True)
    return head + "\n".join(_entry(item, name, first=item is found[0]) for item, name in entries)


def example() -> str:
    """A commented suite that runs as it stands, over functions that come with gradaudit."""
    return _HEAD.format(source="gradaudit init: an example; put your own functions in its place") + _EXAMPLE


_HEAD = """\
# {source}
# Run it with: gradaudit run THIS_FILE. Editors complete it by the schema that `gradaudit schema` prints.
version: 1
"""

_EXAMPLE = """\
# path: [src]                   # folders that your modules are imported from, seen from this file
functions:
  - function: gradaudit.ops:softplus         # f(x) -> a number or an array
    vjp: gradaudit.ops:softplus_vjp          # the claim; or gradient, jvp, jacobian, hessian, hvp
    inputs:
      x: {shape: [3, 4]}                     # float64, standard normal, seeded
    # x: {shape: [n], normal: {std: 3}, avoid: {points: [0], margin: 1e-2}}   # away from a kink
    # h: [1e-3, 1e-5]                        # step sizes; left out: chosen for each element
    # tolerance: {rtol: 1e-6}
    # tags: [fast]
"""


def _label(item: Found) -> str:
    return item.reference.partition(":")[2].removesuffix(".apply")


def _entry(item: Found, name: str, *, first: bool) -> str:
    lines = [f"  - name: {_quoted(name)}"]
    lines += [f"    engine: {item.engine}"] if item.engine else []
    lines += [f"    function: {_quoted(item.reference)}"]
    lines += [f"    {kind}: {_quoted(reference)}" for kind, reference in item.claims]
    note = "      # its shape is a guess: mend it; dtype, bounds, values, … go here too" if first else ""
    lines += ["    inputs:", *(f"      {_quoted(name)}: {{shape: [3]}}{note}" for name in item.inputs)]
    if item.options:  # a wrong gradient is often right where the options are as by default
        written = ", ".join(f"{name}: {_quoted(value)}" for name, value in item.options)
        lines += [f"    # kwargs: {{{written}}}      # the defaults: audit others too"]
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000).splitlines()[0]


def _pairs(module: str, functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> Iterator[Found]:
    # what is itself the derivative of another function here: f_grad has an f_grad_vjp, say
    derivatives = {pattern.format(name) for patterns in NAMES.values() for pattern in patterns for name in functions}
    for name, node in functions.items():
        claims = _checkable(
            (kind, f"{module}:{spelt}")
            for kind, patterns in NAMES.items()
            for spelt in [next((p.format(name) for p in patterns if p.format(name) in functions), None)]
            if spelt is not None
        )
        if claims and name not in derivatives:
            inputs = _parameters(node)
            options = tuple((name, default) for name, default in _options(node) if name not in inputs)
            yield Found(f"{module}:{name}", inputs, claims, line=node.lineno, options=options)


def _checkable(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Second derivatives are checked against the gradient: without one they would be refused."""
    claims = list(found)
    kinds = {kind for kind, _ in claims}
    first_order = kinds & {"gradient", "value_and_gradient"}
    kept = [claim for claim in claims if first_order or claim[0] not in ("hessian", "hvp")]
    return tuple(claim for claim in kept if claim[0] != "value_and_gradient" or "gradient" not in kinds)


def _custom(module: str, functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> Iterator[Found]:
    for name, node in functions.items():
        if any(_last_name(word) in _CUSTOM for word in _words(node.decorator_list)):
            yield Found(f"{module}:{name}", _parameters(node), engine="jax", line=node.lineno)


def _words(decorators: Sequence[ast.expr]) -> Iterator[ast.expr]:
    """Decorators, and what ``partial`` among them is given."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call):
            yield from (decorator.func, *decorator.args)
        else:
            yield decorator


def _classes(module: str, body: Sequence[ast.stmt]) -> Iterator[Found]:
    """Custom functions of PyTorch: a class over ``Function`` with a forward and a backward."""
    for node in body:
        if not isinstance(node, ast.ClassDef) or "Function" not in map(_last_name, node.bases):
            continue
        methods = {inner.name: inner for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if {"forward", "backward"} <= methods.keys():
            with_context = "setup_context" not in methods  # then forward takes ctx first
            inputs = _parameters(methods["forward"], first=1 if with_context else 0)
            yield Found(f"{module}:{node.name}.apply", inputs, engine="torch", line=node.lineno)


def _defvjps(
    module: str, functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef], body: Sequence[ast.stmt]
) -> Iterator[Found]:
    """Primitives of autograd: ``defvjp(f, …)``."""
    for node in body:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or _last_name(call.func) not in ("defvjp", "defjvp") or not call.args:
            continue
        first = call.args[0]
        if isinstance(call.func, ast.Name) and isinstance(first, ast.Name) and first.id in functions:
            function = functions[first.id]
            yield Found(f"{module}:{first.id}", _parameters(function), engine="autograd", line=function.lineno)


def _primitives(
    module: str, functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef], body: Sequence[ast.stmt]
) -> Iterator[Found]:
    """Ops over Variables: ``swish = gradaudit.primitive(forward, backward)``; autograd's primitive takes but one."""
    for node in (node for node in body if isinstance(node, ast.Assign)):
        call, target = node.value, node.targets[0]
        if not isinstance(call, ast.Call) or _last_name(call.func) != "primitive" or len(call.args) < 2:
            continue
        first = call.args[0]
        forward = functions.get(first.id) if isinstance(first, ast.Name) else first
        if isinstance(target, ast.Name) and isinstance(forward, _CALLED):
            yield Found(f"{module}:{target.id}", _parameters(forward), line=node.lineno)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, *, first: int = 0) -> tuple[str, ...]:
    """Positional parameters from the ``first`` on that must be given; where none must, one that may."""
    given = node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    several = [given.vararg.arg] if given.vararg else []
    needed = names[first : len(names) - len(given.defaults)]
    return tuple(needed or [*names[first:], *several][:1])


def _options(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[tuple[str, object], ...]:
    """Parameters that need not be given, with their defaults, where those are numbers, words or truth values."""
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    late = positional[len(positional) - len(given.defaults) :]
    named = (*zip(late, given.defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True))
    return tuple(
        (parameter.arg, default.value)
        for parameter, default in named
        if isinstance(default, ast.Constant) and isinstance(default.value, bool | int | float | str)
    )


def _last_name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _of_file(path: Path) -> Module:
    """The folders with an ``__init__.py`` above a file are its packages."""
    full = path.resolve()
    parts = [] if full.stem == "__init__" else [full.stem]
    folder = full.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return Module(".".join(parts), path, folder)


def _find(parts: Sequence[str], folders: Sequence[str]) -> Path | None:
    """The file of a dotted module, package by package, without importing any."""
    for number, part in enumerate(parts):
        spec = importlib.machinery.PathFinder.find_spec(part, list(folders))
        if spec is None:
            return None
        if number == len(parts) - 1:
            return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
        folders = list(spec.submodule_search_locations or [])
    return None
