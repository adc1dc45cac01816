"""Works out the weights of a recipe, which may be sums and products of its parameters."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def exact(number: float) -> Fraction:
    """The decimal number as it is printed: 0.1 is a tenth, not the nearest binary number."""
    return Fraction(repr(number))


def weight_value(value: Any, parameters: Mapping[str, Fraction], place: str) -> Fraction:
    """A number above 0, written as such or as arithmetic such as `30.5 * (1 - share)`.

    LynxError at `place` for anything else, an unknown parameter, and a value that isn't above 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise LynxError(f"{place}: {value!r} is not a number above 0")
    text = value if isinstance(value, str) else repr(value)
    try:
        found = _evaluated(ast.parse(text, mode="eval").body, parameters, place)
    except LynxError:  # is a ValueError
        raise
    except (SyntaxError, ValueError, ZeroDivisionError) as error:
        raise LynxError(f"{place}: {text} is not a number above 0, or sums and products") from error
    if found <= 0:
        given = "" if not isinstance(value, str) else f" (it is {float(found):g})"
        raise LynxError(f"{place}: {text} is not a number above 0{given}")
    return found


def _evaluated(node: ast.expr, parameters: Mapping[str, Fraction], place: str) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        pair = [_evaluated(side, parameters, place) for side in (node.left, node.right)]
        return _OPERATORS[type(node.op)](*pair)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand, parameters, place)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return exact(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        if node.id in parameters:
            return parameters[node.id]
        if parameters or node.id not in ("inf", "nan"):
            hint = nearest_hint(node.id, parameters)
            raise LynxError(f"{place}: no parameter `{node.id}` of the recipe{hint}")
    raise ValueError(ast.unparse(node))
