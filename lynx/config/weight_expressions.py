"""Works out the weights of a recipe, which may be sums and products of its parameters."""

from __future__ import annotations

import ast
import operator
import sys
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
    """The decimal number as it is printed: 0.1 is a tenth, not the nearest binary number.

    ValueError for inf and nan.
    """
    return Fraction(repr(number))


def amount(found: Fraction, place: str) -> Fraction:
    """The weight or number of passes itself; LynxError at `place` where no float can hold it."""
    if not sys.float_info.min <= found <= sys.float_info.max:
        limits = f"{sys.float_info.min:.0e} to {sys.float_info.max:.0e}"
        raise LynxError(f"{place}: its value is too small or too large; weights go from {limits}")
    return found


def weight_value(value: Any, parameters: Mapping[str, Fraction], place: str) -> Fraction:
    """A number above 0, written as such or as arithmetic such as `30.5 * (1 - share)`.

    Arithmetic may come to 0, as at an end of a sweep. LynxError at `place` for anything else, an
    unknown parameter, and a value that isn't above 0 or that no float can hold.
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
    except (RecursionError, MemoryError) as error:  # of Python's parser too
        raise LynxError(f"{place}: {text[:40]}... has too many parts; add some up") from error
    if found == 0 and isinstance(value, str):
        return found
    if found <= 0:
        printable = isinstance(value, str) and found >= -sys.float_info.max
        given = f" (it is {float(found):g})" if printable else ""
        raise LynxError(f"{place}: {text} is not a number above 0{given}")
    return amount(found, place)


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
