from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AssessedLineKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSESSED_LINE_KIND_UNSPECIFIED: _ClassVar[AssessedLineKind]
    ASSESSED_LINE_KIND_FEE: _ClassVar[AssessedLineKind]
    ASSESSED_LINE_KIND_VALUE_ADDED_TAX: _ClassVar[AssessedLineKind]
    ASSESSED_LINE_KIND_PENALTY: _ClassVar[AssessedLineKind]
    ASSESSED_LINE_KIND_INTEREST: _ClassVar[AssessedLineKind]
    ASSESSED_LINE_KIND_REBATE: _ClassVar[AssessedLineKind]
ASSESSED_LINE_KIND_UNSPECIFIED: AssessedLineKind
ASSESSED_LINE_KIND_FEE: AssessedLineKind
ASSESSED_LINE_KIND_VALUE_ADDED_TAX: AssessedLineKind
ASSESSED_LINE_KIND_PENALTY: AssessedLineKind
ASSESSED_LINE_KIND_INTEREST: AssessedLineKind
ASSESSED_LINE_KIND_REBATE: AssessedLineKind

class FeeFact(_message.Message):
    __slots__ = ("code", "number", "choice")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    code: str
    number: int
    choice: str
    def __init__(self, code: _Optional[str] = ..., number: _Optional[int] = ..., choice: _Optional[str] = ...) -> None: ...

class AssessRequest(_message.Message):
    __slots__ = ("agency", "service", "facts", "day", "due", "paid_on", "explain")
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    PAID_ON_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    agency: str
    service: str
    facts: _containers.RepeatedCompositeFieldContainer[FeeFact]
    day: str
    due: str
    paid_on: str
    explain: bool
    def __init__(self, agency: _Optional[str] = ..., service: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[FeeFact, _Mapping]]] = ..., day: _Optional[str] = ..., due: _Optional[str] = ..., paid_on: _Optional[str] = ..., explain: _Optional[bool] = ...) -> None: ...

class AssessedShare(_message.Message):
    __slots__ = ("beneficiary", "iban", "amount")
    BENEFICIARY_FIELD_NUMBER: _ClassVar[int]
    IBAN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    beneficiary: str
    iban: str
    amount: int
    def __init__(self, beneficiary: _Optional[str] = ..., iban: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class AssessedLine(_message.Message):
    __slots__ = ("kind", "fee", "title_en", "title_fa", "cause", "gross", "reduction", "reduced_by", "amount", "share_tree", "legal_basis", "reasons", "shares")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    TITLE_EN_FIELD_NUMBER: _ClassVar[int]
    TITLE_FA_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    REDUCED_BY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SHARE_TREE_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    kind: AssessedLineKind
    fee: str
    title_en: str
    title_fa: str
    cause: str
    gross: int
    reduction: int
    reduced_by: str
    amount: int
    share_tree: str
    legal_basis: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    shares: _containers.RepeatedCompositeFieldContainer[AssessedShare]
    def __init__(self, kind: _Optional[_Union[AssessedLineKind, str]] = ..., fee: _Optional[str] = ..., title_en: _Optional[str] = ..., title_fa: _Optional[str] = ..., cause: _Optional[str] = ..., gross: _Optional[int] = ..., reduction: _Optional[int] = ..., reduced_by: _Optional[str] = ..., amount: _Optional[int] = ..., share_tree: _Optional[str] = ..., legal_basis: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., shares: _Optional[_Iterable[_Union[AssessedShare, _Mapping]]] = ...) -> None: ...

class AssessResponse(_message.Message):
    __slots__ = ("schedule", "day", "lines", "total")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    schedule: int
    day: str
    lines: _containers.RepeatedCompositeFieldContainer[AssessedLine]
    total: int
    def __init__(self, schedule: _Optional[int] = ..., day: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[AssessedLine, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...
