"""Reading a service and all its rows; see `reading`."""

from typing import Any, Final

from payvand.switch.fees.catalogue.row_fields import (
    CHOICES_MAX,
    CODE_FORM,
    FACTS_MAX,
    arranged_rows,
    by_code,
    code_of,
    condition_of,
    titles_of,
)
from payvand.switch.fees.catalogue.schedule import (
    AMOUNT,
    AMOUNT_MAX,
    BANDED,
    CHOICE,
    FACT_KINDS,
    FEE_KINDS,
    FIXED,
    LATE_KINDS,
    PAYER,
    PER_MILLION,
    PER_UNIT,
    PERCENTAGE,
    RANGED,
    RELATIONAL,
    ROUNDINGS,
    Band,
    BillTerms,
    FactKind,
    Fee,
    Late,
    Rebate,
    Reduction,
    Service,
    ValueAdded,
)
from payvand.switch.rules.table_row import TableRow

__all__ = ["read_service"]

FEES_MAX: Final = 64
"""Rows of a service, of each kind."""
BANDS_MAX: Final = 64
COUNT_MAX: Final = 10**9
DAYS_MAX: Final = 36_500
RATE_MAX: Final = 1_000 * PER_MILLION
"""A thousandfold: rates above are slips."""
ROUND_TO_MAX: Final = 10**9


def read_service(row: TableRow) -> Service:
    """Return the service of a row, or raise `RulesError`."""
    legal_basis = row.text("legal_basis")
    return Service(
        code=code_of(row),
        legal_basis=legal_basis,
        terms=_terms(row),
        facts=by_code(row, "fact", _fact, count_max=FACTS_MAX),
        fees=_rows(row, "fee", _fee, legal_basis),
        reductions=_rows(row, "reduction", _reduction, legal_basis),
        lates=_rows(row, "late", _late, legal_basis),
        rebates=_rows(row, "rebate", _rebate, legal_basis),
        **titles_of(row),
    )


def _terms(row: TableRow) -> BillTerms:
    instalments = row.amount("instalments_max", 1)
    if not 1 <= instalments <= 120:
        raise row.fault("instalments_max", "fees.range", "from 1, which is none, to 120")
    return BillTerms(
        due_days=_bounded(row, "due_days", 30, DAYS_MAX),
        objection_days=_bounded(row, "objection_days", 0, DAYS_MAX),
        instalments_max=instalments,
        allows_partial=row.flag("allows_partial"),
    )


def _rows(row: TableRow, key: str, read: Any, legal_basis: str) -> tuple[Any, ...]:
    """Take the dated rows of a kind, each kept at the place of the first of its code."""
    found: list[Any] = []
    for inner in row.rows(key, optional=True):
        if len(found) == FEES_MAX:
            raise inner.fault("code", "fees.count", f"at most {FEES_MAX} rows of {key}")
        found.append(read(inner, _row_fields(inner, legal_basis)))
        inner.finish()
    places = {one.code: place for place, one in reversed(list(enumerate(found)))}
    arranged = arranged_rows(row, key, found, lambda one: str(one.code))
    return tuple(sorted(arranged, key=lambda one: places[one.code]))


def _row_fields(row: TableRow, legal_basis: str) -> dict[str, Any]:
    return {
        "code": code_of(row),
        "validity": row.validity(),
        "legal_basis": row.text("legal_basis", legal_basis),
        **titles_of(row),
    }


# --- facts -------------------------------------------------------------------------------------


def _fact(row: TableRow) -> FactKind:
    code, kind = code_of(row), row.choice("kind", FACT_KINDS)
    if code == PAYER:
        hint = "every service has it by itself: its choices are the payer classes"
        raise row.fault("code", "fees.fact", hint)
    choices: tuple[str, ...] = ()
    low, high = 0, 0
    default: int | str | None = None
    if kind == CHOICE:
        choices = row.texts("choices")
        if not 0 < len(choices) <= CHOICES_MAX or len(set(choices)) < len(choices):
            hint = f"1 to {CHOICES_MAX} choices, each once"
            raise row.fault("choices", "fees.count", hint)
        for index, choice in enumerate(choices):
            if CODE_FORM.fullmatch(choice) is None:
                hint = "1 to 48 small letters, digits and underscores, the first a letter"
                raise row.fault(f"choices[{index}]", "fees.code", hint)
        if not row.is_missing("default"):
            default = row.choice("default", choices)
    else:
        value_max = AMOUNT_MAX if kind == AMOUNT else COUNT_MAX
        low = _bounded(row, "min", 0, value_max)
        high = _bounded(row, "max", value_max, value_max)
        if low > high:
            raise row.fault("max", "fees.range", f"not below min, {low:,}")
        if not row.is_missing("default"):
            default = row.amount("default")
            if not low <= default <= high:
                raise row.fault("default", "fees.range", f"from {low:,} to {high:,}")
    return FactKind(
        code=code,
        kind=kind,
        choices=choices,
        value_min=low,
        value_max=high,
        default=default,
        **titles_of(row),
    )


# --- fees --------------------------------------------------------------------------------------


def _fee(row: TableRow, fields: dict[str, Any]) -> Fee:
    kind = row.choice("kind", FEE_KINDS)
    has_rate = kind in (PERCENTAGE, RELATIONAL)
    has_bounds = kind not in (FIXED, PER_UNIT)
    low = _bounded(row, "min", 0, AMOUNT_MAX) if has_bounds else 0
    high = _bounded(row, "max", AMOUNT_MAX, AMOUNT_MAX) if has_bounds else AMOUNT_MAX
    if low > high:
        raise row.fault("max", "fees.range", f"not below min, {low:,}")
    return Fee(
        kind=kind,
        of=code_of(row, "of") if kind != FIXED else "",
        amount=_bounded(row, "amount", None, AMOUNT_MAX) if kind in (FIXED, PER_UNIT) else 0,
        units_free=_bounded(row, "units_free", 0, COUNT_MAX) if kind == PER_UNIT else 0,
        per_million=_bounded(row, "per_million", None, RATE_MAX) if has_rate else 0,
        amount_min=low,
        amount_max=high,
        bands=_bands(row, kind) if kind in (BANDED, RANGED) else (),
        rounding=row.choice("rounding", ROUNDINGS) if not row.is_missing("rounding") else "half_up",
        round_to=_bounded(row, "round_to", 1, ROUND_TO_MAX, low=1),
        condition=condition_of(row),
        share_tree=code_of(row, "share_tree"),
        value_added=_value_added(row),
        **fields,
    )


def _bands(row: TableRow, kind: str) -> tuple[Band, ...]:
    bands: list[Band] = []
    for inner in row.rows("band"):
        band = Band(
            above=_bounded(inner, "above", 0, AMOUNT_MAX),
            amount=_bounded(inner, "amount", 0, AMOUNT_MAX) if kind == BANDED else 0,
            per_million=_bounded(inner, "per_million", 0, RATE_MAX),
        )
        inner.finish()
        if not bands and band.above:
            raise inner.fault("above", "fees.order", "the first begins at 0")
        if bands and band.above <= bands[-1].above:
            raise inner.fault("above", "fees.order", "each begins above the one before")
        bands.append(band)
    if not 0 < len(bands) <= BANDS_MAX:
        raise row.fault("band", "fees.count", f"1 to {BANDS_MAX} of [[…band]]")
    return tuple(bands)


def _value_added(row: TableRow) -> ValueAdded | None:
    if row.is_missing("value_added"):
        return None
    inner = row.row("value_added")
    tax = ValueAdded(
        per_million=_bounded(inner, "per_million", None, PER_MILLION, low=1),
        is_included=inner.flag("included"),
        share_tree=code_of(inner, "share_tree"),
    )
    inner.finish()
    return tax


# --- what changes a fee ------------------------------------------------------------------------


def _reduction(row: TableRow, fields: dict[str, Any]) -> Reduction:
    return Reduction(
        fees=_fees(row),
        condition=condition_of(row),
        per_million=_bounded(row, "per_million", None, PER_MILLION, low=1),
        reduction_max=_bounded(row, "max", AMOUNT_MAX, AMOUNT_MAX),
        **fields,
    )


def _late(row: TableRow, fields: dict[str, Any]) -> Late:
    every_days = _bounded(row, "every_days", 0, DAYS_MAX)
    per_million = _bounded(row, "per_million", None, RATE_MAX, low=1)
    default_max = per_million if not every_days else RATE_MAX
    return Late(
        kind=row.choice("kind", LATE_KINDS),
        fees=_fees(row),
        grace_days=_bounded(row, "grace_days", 0, DAYS_MAX),
        every_days=every_days,
        per_million=per_million,
        per_million_max=_bounded(row, "per_million_max", default_max, RATE_MAX, low=1),
        share_tree=code_of(row, "share_tree") if not row.is_missing("share_tree") else "",
        **fields,
    )


def _rebate(row: TableRow, fields: dict[str, Any]) -> Rebate:
    return Rebate(
        fees=_fees(row),
        days_before_due=_bounded(row, "days_before_due", 0, DAYS_MAX),
        per_million=_bounded(row, "per_million", None, PER_MILLION, low=1),
        **fields,
    )


def _fees(row: TableRow) -> frozenset[str]:
    return frozenset(row.texts("fees", optional=True))


def _bounded(row: TableRow, key: str, default: int | None, high: int, *, low: int = 0) -> int:
    value = row.amount(key, default)
    if not low <= value <= high:
        raise row.fault(key, "fees.range", f"from {low:,} to {high:,}")
    return value
