"""What is written under each key of a model, for its JSON Schema.

pydantic can read the same texts when it makes the models; it then parses every one of these files whenever anything is
run, which takes a tenth of a second, for texts that only an editor asks for.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise

from pydantic import BaseModel


def descriptions(kind: type[BaseModel]) -> dict[str, str]:
    """The text below each key of ``kind``, by its name; keys that it inherits are among them."""
    bases = (base for base in reversed(kind.__mro__) if issubclass(base, BaseModel) and base is not BaseModel)
    return {name: text for base in bases for name, text in _written(base)}


def _written(kind: type) -> Iterator[tuple[str, str]]:
    source = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    body = next(node.body for node in source.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    for statement, after in pairwise(body):
        match statement, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
