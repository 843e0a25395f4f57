"""River's classifiers and pipelines, as they are written in a rulebook or on a command line.

    preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.1))

Names are looked up below `river` and in `engine.learning.ngrams`, and nowhere else; arguments are numbers, texts,
lists and further estimators. Nothing else of Python is read, so nothing else can be run.
"""

import ast
import importlib
import operator
from typing import Any

from river.base import Base

from engine.errors import PipelineError

_OPERATORS = {ast.BitOr: operator.or_, ast.Add: operator.add, ast.Mult: operator.mul}
_OWN = "engine.learning.ngrams"
MAX_CHARS = 1_000
_MAX_DEPTH = 30


def read_pipeline(text: str) -> Any:
    """The estimator that an expression describes. Raises PipelineError, naming what cannot be read."""
    if len(text) > MAX_CHARS:
        raise PipelineError(f"a pipeline has {len(text)} characters, the limit is {MAX_CHARS}")
    try:
        made = _value(ast.parse(text, mode="eval").body, _MAX_DEPTH)
    except SyntaxError as error:
        raise PipelineError(f"{text!r} is not an expression: {error.msg}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise PipelineError(f"{text!r} cannot be made: {error}") from error
    if not hasattr(made, "learn_one") or not hasattr(made, "predict_proba_one"):
        raise PipelineError(f"{text!r} is not a classifier that gives probabilities")
    return made


def _value(node: ast.expr, depth: int) -> Any:
    if depth == 0:
        raise PipelineError("a pipeline is nested too deeply")
    match node:
        case ast.Constant(value=value) if value is None or isinstance(value, int | float | str):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth - 1)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_value(item, depth - 1) for item in items)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            one, other = _value(left, depth - 1), _value(right, depth - 1)
            if isinstance(one, Base) and isinstance(other, Base):
                return _OPERATORS[type(op)](one, other)
        case ast.Call(func=function, args=arguments, keywords=named):
            given = {one.arg: _value(one.value, depth - 1) for one in named if one.arg is not None}
            return _class(function)(*[_value(one, depth - 1) for one in arguments], **given)
    raise PipelineError(f"{ast.unparse(node)!r} is neither an estimator of River's nor a number or a text")


def _class(node: ast.expr) -> type:
    """The class that a dotted name means."""
    path = ast.unparse(node).removeprefix("river.")
    module, _, name = path.rpartition(".")
    if all(part.isidentifier() and not part.startswith("_") for part in path.split(".")):
        try:
            found = getattr(importlib.import_module(f"river.{module}" if module else _OWN), name)
        except (ImportError, AttributeError):
            found = None
        if isinstance(found, type) and found.__module__.startswith(("river.", f"{_OWN}")):
            return found
    raise PipelineError(f"`{path}` is not a class of River's, or of {_OWN}")
