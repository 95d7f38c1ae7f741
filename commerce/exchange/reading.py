"""Reading records from outside: every value is checked, every fault is told with the record it is in."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from commerce.models.catalogue import CODE_LENGTH
from commerce.money import ZERO, cents

MAX_ERRORS = 100
MAX_AMOUNT = Decimal(10) ** 10
MAX_DAYS = 36_500
NOISE = Decimal("0.000001")  # of floats that were summed; more than that is not a number of cents
LONG = 1_000_000  # characters of a text without a limit of its own


class ImportRefused(Exception):  # noqa: N818 (named for what happened)
    """The data cannot be imported; nothing was changed.

    Attributes:
        errors: what is wrong, one sentence each, with the record it is in.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(slots=True)
class Report:
    """What was found wrong or strange so far, and the moment from which days are counted."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    now: dt.datetime = field(default_factory=timezone.now)

    def error(self, where: str, what: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(f"{where}: {what}")

    def warn(self, where: str, what: str) -> None:
        self.warnings.append(f"{where}: {what}")

    def not_known(self, kind: str, key: str, where: str) -> None:
        self.unknown[kind, key] += 1
        self.first.setdefault((kind, key), where)

    def refuse(self) -> None:
        """Raises ImportRefused if there are errors."""
        if self.errors:
            raise ImportRefused(self.errors)

    def all_warnings(self) -> list[str]:
        """The warnings, with keys that mean nothing here told once each."""
        left_out = [
            f"{kind}: “{key}” is not known and was left out ({count} times, first in {self.first[kind, key]})"
            for (kind, key), count in self.unknown.items()
        ]
        return [*self.warnings, *left_out]


class Fields:
    """The values of one record, asked for by name; those that nobody asked for are reported by `close`."""

    def __init__(self, value: Any, kind: str, where: str, report: Report) -> None:
        self.where, self.kind, self.report = where, kind, report
        self.values: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self.asked: set[str] = set()
        if not isinstance(value, dict):
            self.error("must be an object")

    def error(self, what: str) -> None:
        self.report.error(self.where, what)

    def warn(self, what: str) -> None:
        self.report.warn(self.where, what)

    def close(self) -> None:
        for key in self.values.keys() - self.asked:
            self.report.not_known(self.kind, str(key)[:80], self.where)

    def get(self, name: str) -> Any:
        self.asked.add(name)
        return self.values.get(name)

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, *, limit: int = LONG, required: bool = False) -> str:
        """A text, or a number as one; empty when it is absent."""
        value = self.get(name)
        if value is None or value == "":
            if required:
                self.error(f"“{name}” is missing")
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.error(f"“{name}” must be a text")
            return ""
        if len(str(value)) > limit:
            self.error(f"“{name}” is longer than {limit} characters")
        return str(value)

    def code(self, name: str, *, required: bool = True) -> str:
        return self.text(name, limit=CODE_LENGTH, required=required)

    def choice(self, name: str, choices: list[str] | tuple[str, ...], default: str) -> str:
        value = self.text(name) or default
        if value not in choices:
            self.error(f"“{name}” is “{value[:40]}”, which is none of: {', '.join(filter(None, choices))}")
        return value

    def currency(self, default: str) -> str:
        """Three capital letters."""
        value = self.text("currency") or default
        if not (len(value) == len(default) and value.isascii() and value.isalpha() and value.isupper()):
            self.error(f"“currency” must be three letters such as {default}, not “{value[:20]}”")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            self.error(f"“{name}” must be true or false")
        return value if isinstance(value, bool) else default

    def number(self, name: str) -> Decimal | None:
        """A finite number; None when it is absent."""
        value = self.get(name)
        if value is None:
            return None
        try:
            number = Decimal(str(value)) if isinstance(value, int | float | str) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite() or abs(number) >= MAX_AMOUNT:
            self.error(f"“{name}” must be a number")
            return None
        return number

    def money(self, name: str, *, required: bool = True, signed: bool = False) -> Decimal:
        """An amount in whole cents; 0 when it is absent or wrong."""
        number = self.number(name)
        if number is None:
            if required and not self.has(name):
                self.error(f"“{name}” is missing")
            return ZERO
        if number < 0 and not signed:
            self.error(f"“{name}” is below zero")
        if abs(number - cents(number)) > NOISE:
            self.error(f"“{name}” is {number}, which is not a number of cents")
        return cents(number)

    def whole(self, name: str, *, most: int) -> int | None:
        """A whole number from 0 to `most`; None when it is absent."""
        number = self.number(name)
        if number is None:
            return None
        if number != int(number) or not 0 <= number <= most:
            self.error(f"“{name}” must be a whole number from 0 to {most}")
            return None
        return int(number)

    def texts(self, name: str) -> list[str]:
        """A list of texts; a single text is a list of one."""
        value = self.get(name)
        values = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            self.error(f"“{name}” must be a list of texts")
            return []
        return values

    def mapping(self, name: str) -> dict[str, Any]:
        """Names with texts, numbers or truths."""
        value = self.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str | int | float) for v in value.values()):
            self.error(f"“{name}” must map names to texts or numbers")
            return {}
        return value

    def part(self, name: str) -> "Fields":
        """A record within the record; empty when it is absent."""
        value = self.get(name)
        return self._part({} if value is None else value, name, "")

    def parts(self, name: str, kind: str, label: str = "") -> list["Fields"]:
        """The records of a list; `label` names the key that tells them apart."""
        value = self.get(name)
        if value is not None and not isinstance(value, list):
            self.error(f"“{name}” must be a list")
        rows = value if isinstance(value, list) else []
        return [self._part(row, kind, self._label(row, label, place)) for place, row in enumerate(rows, 1)]

    def named(self, name: str, kind: str, id_name: str) -> Iterator[tuple[str, "Fields"]]:
        """The records of an object by id; the id in a record must be the one it stands under."""
        value = self.get(name)
        if value is not None and not isinstance(value, dict):
            self.error(f"“{name}” must be an object of records by id")
        for key, row in (value if isinstance(value, dict) else {}).items():
            fields = self._part(row, kind, key[:CODE_LENGTH])
            if (fields.code(id_name, required=False) or key) != key:
                fields.error(f"its “{id_name}” is {fields.values[id_name]}")
            if not key or len(key) > CODE_LENGTH:
                fields.error(f"an id has 1 to {CODE_LENGTH} characters")
            yield key, fields

    def moment(self, at: str, days_ago: str) -> dt.datetime | None:
        """A point in time, written out or as days before the import; None when neither is given."""
        days, text = self._days(days_ago), self.text(at)
        if days is not None:
            return self.report.now - dt.timedelta(days=days)
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            self.error(f"“{at}” must be a date and time such as 2026-02-10T09:30:00+00:00")
            return None
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def day(self, on: str, in_days: str) -> dt.date | None:
        """A day, written out or as days after the import; None when neither is given."""
        days, text = self._days(in_days), self.text(on)
        if days is not None:
            return timezone.localdate(self.report.now + dt.timedelta(days=days))
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None:
            self.error(f"“{on}” must be a day such as 2026-02-10")
        return day

    def _days(self, name: str) -> float | None:
        number = self.number(name)
        if number is not None and abs(number) > MAX_DAYS:
            self.error(f"“{name}” must be at most {MAX_DAYS} days")
            return None
        return None if number is None else float(number)

    def _part(self, row: Any, kind: str, label: str) -> "Fields":
        if self.kind == TOP:
            return Fields(row, kind, f"{kind} {label}", self.report)
        return Fields(row, f"{self.kind}'s {kind}", f"{self.where}, {kind} {label}".rstrip(), self.report)

    @staticmethod
    def _label(row: Any, label: str, place: int) -> str:
        named = row.get(label) if isinstance(row, dict) and label else None
        return str(named)[:CODE_LENGTH] if named else str(place)


TOP = "the file"


def read_top(data: Any, report: Report) -> Fields:
    """The whole value; raises ImportRefused when the database could not hold its texts and numbers."""
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise ImportRefused([f"{TOP}: is not plain JSON: {error}"]) from error
    if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        raise ImportRefused([f"{TOP}: holds a NUL character (\\u0000), which cannot be kept."])
    return Fields(data, TOP, TOP, report)
