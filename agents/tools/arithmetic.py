"""Sums, by a small parser of our own: digits, + - * / ( ) . and spaces."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from agents.tools.base import ToolContext, ToolError
from agents.tools.registry import tool

MAX_LENGTH = 500  # characters
MAX_DEPTH = 50  # parentheses and signs inside each other
TOKEN = re.compile(r"\s*(?:(\d+\.?\d*|\.\d+)|([-+*/()]))")
CENT = Decimal("0.01")
EXACT = Context(prec=60, Emax=200, Emin=-200, traps=[DivisionByZero, InvalidOperation, Overflow])


@tool()
def calculate(_context: ToolContext, expression: str) -> str:
    """Calculate the result of a mathematical expression, rounded to 2 decimal places.

    Args:
        expression: The expression, such as '2 + 2': numbers, operators (+, -, *, /), parentheses and spaces.
    """
    return evaluate(expression)


def evaluate(expression: str) -> str:
    """Return the value rounded half up to two places, without trailing zeros: "8.0", "8.25", as floats are written.

    Raises:
        ToolError: it is no expression, divides by zero, or is too long, too deep or too large.
    """
    if len(expression) > MAX_LENGTH:
        raise ToolError(f"The expression is longer than {MAX_LENGTH} characters.")
    try:
        value = _Parser(_parts(expression)).whole()
        rounded = value.quantize(CENT, ROUND_HALF_UP, EXACT)
    except DivisionByZero:
        raise ToolError("The expression divides by zero.") from None
    except (InvalidOperation, Overflow):
        raise ToolError("The expression cannot be calculated: a division by zero, or too large a number.") from None
    return _written(rounded)


def _written(value: Decimal) -> str:
    return f"{value or CENT * 0:f}".removesuffix("0")


def _parts(expression: str) -> list[str]:
    parts, at, text = [], 0, expression.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or not match[0].isascii():
            raise ToolError("An expression holds numbers, + - * / ( ) and spaces, and nothing else.")
        parts.append(match[1] or match[2])
        at = match.end()
    return parts


class _Parser:
    """Reads sums of products of signed factors, from left to right (recursive descent)."""

    def __init__(self, parts: list[str]) -> None:
        self._parts, self._at, self._depth = parts, 0, 0

    def whole(self) -> Decimal:
        value = self._sum()
        if self._at < len(self._parts):
            raise ToolError(f"The expression is wrong at “{self._parts[self._at]}”.")
        return value

    def _sum(self) -> Decimal:
        value = self._product()
        while self._next() in ("+", "-"):
            add = self._take() == "+"
            other = self._product()
            value = EXACT.add(value, other) if add else EXACT.subtract(value, other)
        return value

    def _product(self) -> Decimal:
        value = self._factor()
        while self._next() in ("*", "/"):
            multiply = self._take() == "*"
            other = self._factor()
            value = EXACT.multiply(value, other) if multiply else EXACT.divide(value, other)
        return value

    def _factor(self) -> Decimal:
        part = self._take()
        if part[0].isdigit() or part[0] == ".":
            return EXACT.create_decimal(part)
        self._depth += 1
        if part not in ("-", "+", "(") or self._depth > MAX_DEPTH:
            raise ToolError(f"The expression is wrong at “{part}”, or too deep.")
        if part == "(":
            value = self._sum()
            if self._take() != ")":
                raise ToolError("A parenthesis is not closed.")
        else:
            value = self._factor()
            value = EXACT.minus(value) if part == "-" else value
        self._depth -= 1
        return value

    def _next(self) -> str:
        return self._parts[self._at] if self._at < len(self._parts) else ""

    def _take(self) -> str:
        if self._at >= len(self._parts):
            raise ToolError("The expression ends too early.")
        self._at += 1
        return self._parts[self._at - 1]
