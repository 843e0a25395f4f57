"""River's classifiers and pipelines, as they are written in a rulebook or on a command line.

    preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.AdaGrad(0.1))

Names are those of `engine.learning.allowed_estimators` and no others; arguments are numbers, texts, lists and further
estimators, as far as they go there. Nothing else of Python is read, so nothing else can be run.
"""

import ast
import inspect
import operator
from difflib import get_close_matches
from typing import Any

from river.base import Base

from engine.errors import PipelineError
from engine.learning.allowed_estimators import ALLOWED, MAX_PARTS, Allowed, is_part, parts

_OPERATORS = {ast.BitOr: operator.or_, ast.Add: operator.add, ast.Mult: operator.mul}
_LIBRARY = "river."
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
    except (TypeError, ValueError, AttributeError, ArithmeticError, NotImplementedError, RecursionError) as error:
        raise PipelineError(f"{text!r} cannot be made: {error}") from error
    if not hasattr(made, "learn_one") or not hasattr(made, "predict_proba_one"):
        raise PipelineError(f"{text!r} is not a classifier that gives probabilities")
    _check_parts(made)
    return made


def _check_parts(made: Any) -> None:
    """Operators make estimators as well: what they have made must be allowed, too."""
    all_parts = list(parts(made))
    if len(all_parts) > MAX_PARTS:
        raise PipelineError(f"a pipeline has {len(all_parts)} parts, the limit is {MAX_PARTS}")
    for part in all_parts:
        if not is_part(part):
            raise PipelineError(f"a pipeline cannot have a {type(part).__name__} among its parts")


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
            first, second = _value(left, depth - 1), _value(right, depth - 1)
            if isinstance(first, Base) and isinstance(second, Base):
                return _OPERATORS[type(op)](first, second)
        case ast.Call(func=function, args=arguments, keywords=named):
            name = ast.unparse(function).removeprefix(_LIBRARY)
            positional = [_value(argument, depth - 1) for argument in arguments]
            return _made(
                name, _allowed(name), positional, {keyword.arg: _value(keyword.value, depth - 1) for keyword in named}
            )
    raise PipelineError(f"{ast.unparse(node)!r} is neither an estimator of River's nor a number or a text")


def _allowed(name: str) -> Allowed:
    allowed = ALLOWED.get(name)
    if allowed is None:
        module = f"{name.rpartition('.')[0]}."
        near = get_close_matches(name, ALLOWED, cutoff=0.7) or [
            candidate for candidate in ALLOWED if candidate.startswith(module)
        ]
        near = near or sorted({candidate.partition(".")[0] + ".…" * ("." in candidate) for candidate in ALLOWED})
        raise PipelineError(f"`{name}` is not an estimator that may be used; allowed are: {', '.join(near)}")
    return allowed


def _made(name: str, allowed: Allowed, positional: list[Any], named: dict[str | None, Any]) -> Any:
    """The estimator with these arguments, if each is allowed."""
    if allowed.rest is None:
        order = list(inspect.signature(allowed.make).parameters)
        if len(positional) > len(order):
            raise PipelineError(f"`{name}` takes {len(order)} arguments, not {len(positional)}")
        arguments: dict[str | None, Any] = dict(zip(order, positional, strict=False))
        if doubled := arguments.keys() & named.keys():
            raise PipelineError(f"`{name}` is given {', '.join(map(str, sorted(doubled, key=str)))} twice")
        arguments |= named
    else:
        arguments = named
        for value in positional:
            if not allowed.rest.allows(value):
                raise PipelineError(f"`{name}` takes {allowed.rest.description}, not {value!r:.100}")
    for key, value in arguments.items():
        argument = allowed.parameters.get(key or "")
        if argument is None:
            hint = f"; it takes {', '.join(allowed.parameters)}" if allowed.parameters else ""
            raise PipelineError(f"`{name}` takes no `{key or '**'}` here{hint}")
        if not argument.allows(value):
            raise PipelineError(f"`{key}` of `{name}` is {argument.description}, not {value!r:.100}")
    return allowed.make(*(positional if allowed.rest else ()), **arguments)  # type: ignore[arg-type]  # no name is None
