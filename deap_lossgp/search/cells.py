"""How figures stand in the cells of a store: pairs of functions that write and read each kind."""

import json
import math
import operator


def _text(text):
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, as in the name of a file that is not UTF-8
        return text.encode("utf-8", "surrogatepass")
    return text


def _read_text(cell):
    return cell.decode("utf-8", "surrogatepass") if isinstance(cell, bytes) else cell


def _number(number):
    if number is None:
        return None
    number = float(number)
    if math.isfinite(number) and (number or math.copysign(1.0, number) > 0):
        return number
    # SQLite makes NULL of NaN and 0.0 of -0.0 (also of the text "-0.0"); JSON knows no infinity.
    return repr(number) if number else "-zero"


def _read_number(cell):
    return cell if cell is None else -0.0 if cell == "-zero" else float(cell)


def _numbers(numbers):
    return json.dumps([_number(number) for number in numbers])


def _read_numbers(cell):
    return tuple(_read_number(number) for number in json.loads(cell))


TEXT = "TEXT", _text, _read_text
INTEGER = "INTEGER", operator.index, operator.index
TRUTH = "INTEGER", int, bool
NUMBER = "REAL", _number, _read_number
NUMBERS = "TEXT", _numbers, _read_numbers
"""Kinds of cells: SQLite's type, what writes a value, and what reads it."""
