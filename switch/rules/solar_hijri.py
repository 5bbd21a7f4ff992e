"""Days and moments as the country writes them: the Solar Hijri calendar and Tehran's clock.

Inside, a day is a `datetime.date` and a moment an aware `datetime`; Solar Hijri is how they are
read and shown. The conversion is persiantools', which agrees with ICU and others on every year from
1201 to 1499; some libraries go by a rule of 2820 years and are a day off in all of 1404.
"""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

__all__ = [
    "TEHRAN",
    "WEEKDAYS",
    "WEEKDAYS_FA",
    "YEAR_MAX",
    "YEAR_MIN",
    "DateError",
    "first_day",
    "local",
    "moment_at",
    "moment_text",
    "nanoseconds_of",
    "parse_day",
    "parse_moment",
    "parse_time",
    "solar_text",
    "solar_year",
]

TEHRAN = ZoneInfo("Asia/Tehran")
"""+03:30 all year since the autumn of 1401 (2022); summer time before."""

YEAR_MIN = 1201
YEAR_MAX = 1499
"""The years in which all good calendars agree."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS_FA = ("دوشنبه", "سه‌شنبه", "چهارشنبه", "پنج‌شنبه", "جمعه", "شنبه", "یک‌شنبه")
"""By `date.weekday()`."""

_GREGORIAN_FROM = 1700
"""A greater year is of the Gregorian calendar: the two are 621 years apart."""

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class DateError(ValueError):
    """A text is no day, hour or moment; `rule` names the broken rule, `hint` says what to do.

    The rules: `date.form`, `date.range`, `time.form`.
    """

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint


def parse_day(text: str) -> date:
    """Return the day that *text* says, for example `1404-02-31` or `2025-05-21`."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise DateError("date.form", f"write a day as 1404-02-31 or 2025-05-21, not {text[:20]!r}")
    year, month, day = map(int, match.groups())
    try:
        if year >= _GREGORIAN_FROM:
            return date(year, month, day)
        if not YEAR_MIN <= year <= YEAR_MAX:
            hint = f"years from {YEAR_MIN} to {YEAR_MAX} are known, not {year}"
            raise DateError("date.range", hint)
        return _solar(year, month, day).to_gregorian()
    except ValueError as error:
        if isinstance(error, DateError):
            raise
        raise DateError("date.range", f"the calendar has no day {text}") from None


def solar_text(day: date) -> str:
    """Return *day* in the Solar Hijri calendar: `1404-02-31`."""
    return str(_solar(day).isoformat())


def solar_year(day: date) -> int:
    """Return the Solar Hijri year of a day, which is the fiscal year too."""
    return int(_solar(day).year)


def first_day(year: int) -> date:
    """Return the first day of a Solar Hijri year."""
    day: date = _solar(year, 1, 1).to_gregorian()
    return day


def parse_time(text: str) -> time:
    """Return the hour that *text* says, for example `13:44`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise DateError("time.form", f"write an hour as 13:44, not {text[:20]!r}")
    return time(int(match[1]), int(match[2]))


def parse_moment(text: str) -> datetime:
    """Return the moment that *text* says, aware of its zone.

    Taken are a day and an hour of Tehran (`1404-02-31 13:44`, `2025-05-21 13:44`), a day alone
    (its first minute) and ISO 8601 with a zone (`2025-05-21T10:14:00Z`).
    """
    day, _, hour = text.strip().replace("T", " ").partition(" ")
    if hour and _TIME.fullmatch(hour) is None:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise DateError("time.form", "write a moment as 1404-02-31 13:44") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=TEHRAN)
    return datetime.combine(parse_day(day), parse_time(hour) if hour else time(), TEHRAN)


def local(moment: datetime) -> datetime:
    """Return *moment* by Tehran's clock."""
    assert moment.tzinfo is not None  # a moment without a zone is none
    return moment.astimezone(UTC).astimezone(TEHRAN)


def moment_at(nanoseconds: int) -> datetime:
    """Return the moment of a time in nanoseconds since 1970, to the microsecond before."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1_000)


def nanoseconds_of(moment: datetime) -> int:
    """Return *moment* in nanoseconds since 1970."""
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def moment_text(moment: datetime) -> str:
    """Return *moment* as people of the country write it: `1404-02-31 13:44`."""
    here = local(moment)
    return f"{solar_text(here.date())} {here:%H:%M}"


def _solar(*parts: int | date) -> JalaliDate:
    """Return a day of the Solar Hijri calendar, of its parts or of a Gregorian day."""
    return JalaliDate(*parts)  # type: ignore[no-untyped-call]  # its constructor has no types
