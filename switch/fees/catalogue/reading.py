"""Reading a schedule from its TOML text: each fault by its path and the rule it breaks.

Beside the rules of every table (`rules.type`, `rules.missing`, …) there are `fees.code`,
`fees.count`, `fees.twice`, `fees.unknown`, `fees.agency`, `fees.digits`, `fees.iban`, `fees.unit`,
`fees.parts`, `fees.cases`, `fees.gap`, `fees.order`, `fees.range`, `fees.fact` and `fees.relation`.
"""

import hashlib
import re
from types import MappingProxyType
from typing import Final

from payvand.switch.fees.catalogue.condition import Condition
from payvand.switch.fees.catalogue.fitting import check_fit
from payvand.switch.fees.catalogue.reading_services import read_service
from payvand.switch.fees.catalogue.row_fields import (
    arranged_rows,
    by_code,
    code_of,
    condition_of,
    titles_of,
)
from payvand.switch.fees.catalogue.schedule import (
    BENEFICIARY_KINDS,
    PER_MILLION,
    SECTORS,
    Beneficiary,
    PayerClass,
    Schedule,
    Share,
    ShareTree,
)
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.digits import are_digits
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.rules.table_row import TableRow, parse_toml
from payvand.switch.units import UNITS

__all__ = ["SCHEDULE_BYTES_MAX", "parse", "read"]

SCHEDULE_BYTES_MAX: Final = 4 << 20
AGENCY_FORM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""As the short names of participants are."""
BENEFICIARIES_MAX: Final = 1_000
TREES_MAX: Final = 1_000
PAYER_CLASSES_MAX: Final = 63
"""One more is whoever is of no class."""
SERVICES_MAX: Final = 1_000
COMPANY_CODE_LENGTH: Final = 3
DEPTH_MAX: Final = 8
SHARES_MAX: Final = 64
"""Below one node."""


def parse(text: str) -> Schedule:
    """Return the schedule that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text), digest=hashlib.sha256(text.encode()).hexdigest())


def read(file: TableRow, *, digest: str = "") -> Schedule:
    """Return the schedule that a parsed *file* holds, or raise `RulesError`."""
    agency = file.text("agency")
    if AGENCY_FORM.fullmatch(agency) is None:
        hint = "the short name of its participant: small letters, digits and inner hyphens"
        raise file.fault("agency", "fees.agency", hint)
    unit = file.text("unit", "IRR")
    if unit not in UNITS:
        raise file.fault("unit", "fees.unit", "one of " + ", ".join(UNITS))
    trees = [_tree(row) for row in file.rows("share_tree", optional=True)]
    arranged_trees = arranged_rows(file, "share_tree", trees, lambda tree: tree.code)
    if len(trees) > TREES_MAX:
        raise file.fault("share_tree", "fees.count", f"at most {TREES_MAX}")
    schedule = Schedule(
        agency=agency,
        sector=file.choice("sector", SECTORS),
        title_en=file.text("title_en"),
        title_fa=file.text("title_fa"),
        edition=file.text("edition"),
        unit=unit,
        company_code=_digits(file, "company_code", COMPANY_CODE_LENGTH),
        service_digit=_digits(file, "service_digit", 1),
        beneficiaries=by_code(file, "beneficiary", _beneficiary, count_max=BENEFICIARIES_MAX),
        share_trees=MappingProxyType(
            {
                code: tuple(tree for tree in arranged_trees if tree.code == code)
                for code in dict.fromkeys(tree.code for tree in trees)
            }
        ),
        payer_classes=by_code(file, "payer_class", _payer_class, count_max=PAYER_CLASSES_MAX),
        services=by_code(file, "service", read_service, count_max=SERVICES_MAX),
        digest=digest,
    )
    file.finish()
    check_fit(schedule, trees)
    return schedule


def _digits(file: TableRow, key: str, length: int) -> str:
    """Take a text of so many digits; empty where it is missing."""
    text = file.text(key, "")
    if text and not are_digits(text, length, length):
        raise file.fault(key, "fees.digits", f"{length} digits, in quotation marks")
    return text


def _beneficiary(row: TableRow) -> Beneficiary:
    account = row.text("iban")
    try:
        iban.parse(account)
    except IdentifierError as error:
        raise row.fault("iban", "fees.iban", str(error)) from None
    kind = row.choice("kind", BENEFICIARY_KINDS)
    return Beneficiary(code=code_of(row), kind=kind, iban=account, **titles_of(row))


def _payer_class(row: TableRow) -> PayerClass:
    return PayerClass(code=code_of(row), **titles_of(row))


def _tree(row: TableRow) -> ShareTree:
    tree = ShareTree(
        code=code_of(row),
        validity=row.validity(),
        legal_basis=row.text("legal_basis"),
        root=Share(parts=0, condition=Condition(()), beneficiary="", shares=_shares(row, 1)),
        **titles_of(row),
    )
    row.finish()
    return tree


def _shares(row: TableRow, depth: int) -> tuple[Share, ...]:
    shares = []
    for inner in row.rows("share"):
        has_parts, is_leaf = not inner.is_missing("parts"), not inner.is_missing("beneficiary")
        if depth == DEPTH_MAX and not is_leaf:
            raise inner.fault("share", "fees.count", f"a tree has at most {DEPTH_MAX} levels")
        parts = inner.amount("parts", 0)
        if has_parts and not 0 < parts <= PER_MILLION:
            raise inner.fault("parts", "fees.parts", f"from 1 to {PER_MILLION:,}")
        share = Share(
            parts=parts,
            condition=condition_of(inner),
            beneficiary=code_of(inner, "beneficiary") if is_leaf else "",
            shares=() if is_leaf else _shares(inner, depth + 1),
        )
        inner.finish()
        shares.append(share)
    _check_shares(row, shares)
    return tuple(shares)


def _check_shares(row: TableRow, shares: list[Share]) -> None:
    """Refuse neighbours that leave open who gets what."""
    if not 0 < len(shares) <= SHARES_MAX:
        raise row.fault("share", "fees.count", f"1 to {SHARES_MAX} shares")
    with_parts = [bool(share.parts) for share in shares]
    if all(with_parts):
        for index, share in enumerate(shares):
            if share.condition:
                hint = "what has parts has no condition: put it into the shares below"
                raise row.fault(f"share[{index}].when", "fees.parts", hint)
        return
    if any(with_parts):
        hint = "either all shares of a node have parts, or none: then the first whose `when` holds"
        raise row.fault(f"share[{with_parts.index(False)}].parts", "fees.parts", hint)
    for index, share in enumerate(shares):
        is_last = index == len(shares) - 1
        if is_last and share.condition:
            hint = "the last case has no `when`: it is for all that is left, so nothing is lost"
            raise row.fault(f"share[{index}].when", "fees.cases", hint)
        if not is_last and not share.condition:
            hint = "only the last case may do without `when`: those behind it could never hold"
            raise row.fault(f"share[{index}].when", "fees.cases", hint)
