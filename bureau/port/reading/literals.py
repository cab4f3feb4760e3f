"""Returns the values of literals: numbers, texts, lists, dictionaries, and sums and products of numbers."""

from typing import Any

import libcst as cst

_CONSTANTS: dict[str, Any] = {"True": True, "False": False, "None": None}


class NotLiteral(Exception):
    """Says that a value is only known when the project runs."""


def value_of(node: cst.BaseExpression) -> Any:
    """Returns the value of a literal. Raises `NotLiteral`."""
    match node:
        case cst.Integer() | cst.Float():
            return node.evaluated_value
        case cst.SimpleString() | cst.ConcatenatedString():
            value = node.evaluated_value
            if isinstance(value, str):
                return value
        case cst.Name(value=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            return [value_of(_single(element)) for element in elements]
        case cst.Dict(elements=elements):
            return dict(_pair(element) for element in elements)
        case cst.UnaryOperation(operator=cst.Minus(), expression=inner):
            return -_number(inner)
        case cst.BinaryOperation(left=left, operator=cst.Multiply(), right=right):
            return _number(left) * _number(right)
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            return _number(left) + _number(right)
    raise NotLiteral


def _number(node: cst.BaseExpression) -> float | int:
    value = value_of(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotLiteral
    return value


def _single(element: cst.BaseElement) -> cst.BaseExpression:
    if isinstance(element, cst.StarredElement):
        raise NotLiteral
    return element.value


def _pair(element: cst.BaseDictElement) -> tuple[str, Any]:
    if not isinstance(element, cst.DictElement):
        raise NotLiteral
    key = value_of(element.key)
    if not isinstance(key, str):
        raise NotLiteral
    return key, value_of(element.value)
