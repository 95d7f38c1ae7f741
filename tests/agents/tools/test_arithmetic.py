# ruff: noqa: E501 - tables of cases stay on few lines
"""Sums are right to the cent, and nothing else is evaluated."""

import random
from fractions import Fraction

import pytest

from agents.tools.arithmetic import MAX_DEPTH, MAX_LENGTH, evaluate
from agents.tools.base import ToolError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("3131.1 + 4777.75 + 367.38", "8276.23"), ("155.33 - 147.05 + 268.77 - 235.13", "41.92"), ("135.24 - 153.23", "-17.99"),
        ("2+2", "4.0"), ("2 + 2 * 3", "8.0"), ("(2 + 2) * 3", "12.0"), ("1/3", "0.33"), ("2/3", "0.67"), ("10 - 4 - 3", "3.0"),
        ("16 / 4 / 2", "2.0"), ("-5 + 3", "-2.0"), ("--5", "5.0"), ("-(1+2)*2", "-6.0"), ("2*-3", "-6.0"), ("+1", "1.0"),
        (".5 + 1.", "1.5"), ("0.1 + 0.2", "0.3"), ("1.005", "1.01"), ("2.675 * 1", "2.68"), ("-0.001", "0.0"), ("0 * -1", "0.0"),
        ("  7  ", "7.0"), ("1099.98 / 2", "549.99"), ("99999999999.99 * 100", "9999999999999.0"),
    ],
)  # fmt: skip
def test_sums(expression, value):
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "", " ", "()", "(", ")", "1 +", "* 2", "1 2", "1..2", "1.2.3", ".", "2 ** 3", "2 // 3", "7 % 2", "1e5", "0x10", "1_000", "1,5",
        "a", "__import__('os')", "(1).__class__", "[1]", "1 if 1 else 2", "1 < 2", "\N{ARABIC-INDIC DIGIT ONE}", "1\x00", "(1))", "((1)",
        "lambda: 1", "1;2", "²", "1 + “2”",
    ],
)  # fmt: skip
def test_anything_else_is_refused(expression):
    with pytest.raises(ToolError):
        evaluate(expression)


@pytest.mark.parametrize("expression", ["1/0", "1/(2-2)", "0/0", "1/0.0"])
def test_division_by_zero_is_a_clear_error(expression):
    with pytest.raises(ToolError, match="divi"):
        evaluate(expression)


def test_monsters_are_refused():
    for expression in (
        "1+" * MAX_LENGTH + "1",
        "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        "-" * (MAX_DEPTH + 1) + "1",
        "*".join(["9" * 40] * 12),
        "9" * 100,
    ):
        with pytest.raises(ToolError):
            evaluate(expression)
    assert evaluate("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == "1.0"


def rounded(value):
    """Half up, away from zero, as Decimal does it."""
    cents = abs(value) * 100
    whole = int(cents + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, 100)


def test_random_sums_agree_with_fractions():
    draw = random.Random(11)

    def tree(depth):
        if depth == 0 or draw.random() < 0.2:
            number = f"{draw.randint(0, 9999)}.{draw.randint(0, 99):02}"
            return number, Fraction(number)
        (left, a), (right, b) = tree(depth - 1), tree(depth - 1)
        sign = draw.choice("+-*/" if b else "+-*")
        value = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[sign]()
        return f"({left} {sign}{right})", value

    checked = 0
    for _ in range(2000):
        expression, value = tree(draw.randint(1, 4))
        if len(expression) <= MAX_LENGTH and abs(value) < 10**25:
            assert Fraction(evaluate(expression)) == rounded(value), expression
            checked += 1
    assert checked > 1500


def test_random_signs_are_a_number_or_a_tool_error():
    draw = random.Random(7)
    numbers = 0
    for _ in range(20_000):
        expression = "".join(draw.choices("0123456789+-*/(). e_x", k=draw.randint(0, 12)))
        try:
            float(evaluate(expression))
            numbers += 1
        except ToolError:
            pass
    assert numbers
