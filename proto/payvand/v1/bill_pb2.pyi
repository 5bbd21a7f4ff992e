from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BillLineKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILL_LINE_KIND_UNSPECIFIED: _ClassVar[BillLineKind]
    BILL_LINE_KIND_FEE: _ClassVar[BillLineKind]
    BILL_LINE_KIND_VALUE_ADDED_TAX: _ClassVar[BillLineKind]
    BILL_LINE_KIND_PENALTY: _ClassVar[BillLineKind]
    BILL_LINE_KIND_INTEREST: _ClassVar[BillLineKind]

class BillSubjectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILL_SUBJECT_KIND_UNSPECIFIED: _ClassVar[BillSubjectKind]
    BILL_SUBJECT_KIND_PLATE: _ClassVar[BillSubjectKind]
    BILL_SUBJECT_KIND_CASE: _ClassVar[BillSubjectKind]
    BILL_SUBJECT_KIND_FILE: _ClassVar[BillSubjectKind]
    BILL_SUBJECT_KIND_INVOICE: _ClassVar[BillSubjectKind]
    BILL_SUBJECT_KIND_METER: _ClassVar[BillSubjectKind]

class BillState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILL_STATE_UNSPECIFIED: _ClassVar[BillState]
    BILL_STATE_OPEN: _ClassVar[BillState]
    BILL_STATE_PARTLY_PAID: _ClassVar[BillState]
    BILL_STATE_PAID: _ClassVar[BillState]
    BILL_STATE_CANCELLED: _ClassVar[BillState]
    BILL_STATE_EXPIRED: _ClassVar[BillState]
BILL_LINE_KIND_UNSPECIFIED: BillLineKind
BILL_LINE_KIND_FEE: BillLineKind
BILL_LINE_KIND_VALUE_ADDED_TAX: BillLineKind
BILL_LINE_KIND_PENALTY: BillLineKind
BILL_LINE_KIND_INTEREST: BillLineKind
BILL_SUBJECT_KIND_UNSPECIFIED: BillSubjectKind
BILL_SUBJECT_KIND_PLATE: BillSubjectKind
BILL_SUBJECT_KIND_CASE: BillSubjectKind
BILL_SUBJECT_KIND_FILE: BillSubjectKind
BILL_SUBJECT_KIND_INVOICE: BillSubjectKind
BILL_SUBJECT_KIND_METER: BillSubjectKind
BILL_STATE_UNSPECIFIED: BillState
BILL_STATE_OPEN: BillState
BILL_STATE_PARTLY_PAID: BillState
BILL_STATE_PAID: BillState
BILL_STATE_CANCELLED: BillState
BILL_STATE_EXPIRED: BillState

class BillLine(_message.Message):
    __slots__ = ("fee", "kind", "amount", "share_tree")
    FEE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    SHARE_TREE_FIELD_NUMBER: _ClassVar[int]
    fee: str
    kind: BillLineKind
    amount: int
    share_tree: str
    def __init__(self, fee: _Optional[str] = ..., kind: _Optional[_Union[BillLineKind, str]] = ..., amount: _Optional[int] = ..., share_tree: _Optional[str] = ...) -> None: ...

class BillSubject(_message.Message):
    __slots__ = ("kind", "value")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    kind: BillSubjectKind
    value: str
    def __init__(self, kind: _Optional[_Union[BillSubjectKind, str]] = ..., value: _Optional[str] = ...) -> None: ...

class BillInstalment(_message.Message):
    __slots__ = ("amount", "due_date")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    amount: int
    due_date: str
    def __init__(self, amount: _Optional[int] = ..., due_date: _Optional[str] = ...) -> None: ...

class BillIdParts(_message.Message):
    __slots__ = ("file_code", "period")
    FILE_CODE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    file_code: str
    period: int
    def __init__(self, file_code: _Optional[str] = ..., period: _Optional[int] = ...) -> None: ...

class NewBill(_message.Message):
    __slots__ = ("reference", "service", "payer_id", "subject", "lines", "facts", "due_date", "instalments", "id_parts", "treasury_id")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PAYER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    INSTALMENTS_FIELD_NUMBER: _ClassVar[int]
    ID_PARTS_FIELD_NUMBER: _ClassVar[int]
    TREASURY_ID_FIELD_NUMBER: _ClassVar[int]
    reference: str
    service: str
    payer_id: str
    subject: BillSubject
    lines: _containers.RepeatedCompositeFieldContainer[BillLine]
    facts: str
    due_date: str
    instalments: _containers.RepeatedCompositeFieldContainer[BillInstalment]
    id_parts: BillIdParts
    treasury_id: str
    def __init__(self, reference: _Optional[str] = ..., service: _Optional[str] = ..., payer_id: _Optional[str] = ..., subject: _Optional[_Union[BillSubject, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[BillLine, _Mapping]]] = ..., facts: _Optional[str] = ..., due_date: _Optional[str] = ..., instalments: _Optional[_Iterable[_Union[BillInstalment, _Mapping]]] = ..., id_parts: _Optional[_Union[BillIdParts, _Mapping]] = ..., treasury_id: _Optional[str] = ...) -> None: ...

class IssuedBill(_message.Message):
    __slots__ = ("number", "bill_id", "payment_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BILL_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    number: str
    bill_id: str
    payment_id: str
    def __init__(self, number: _Optional[str] = ..., bill_id: _Optional[str] = ..., payment_id: _Optional[str] = ...) -> None: ...

class Bill(_message.Message):
    __slots__ = ("number", "agency", "service", "reference", "payer_id", "subject", "lines", "amount", "paid", "refunded", "outstanding", "credit", "state", "payable", "payment_under_way", "due_date", "objection_until", "allows_partial", "instalments", "bill_id", "payment_id", "treasury_id", "schedule_version", "issued_at", "acts")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PAYER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    OUTSTANDING_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAYABLE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_UNDER_WAY_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    OBJECTION_UNTIL_FIELD_NUMBER: _ClassVar[int]
    ALLOWS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    INSTALMENTS_FIELD_NUMBER: _ClassVar[int]
    BILL_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TREASURY_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    number: str
    agency: str
    service: str
    reference: str
    payer_id: str
    subject: BillSubject
    lines: _containers.RepeatedCompositeFieldContainer[BillLine]
    amount: int
    paid: int
    refunded: int
    outstanding: int
    credit: int
    state: BillState
    payable: bool
    payment_under_way: bool
    due_date: str
    objection_until: str
    allows_partial: bool
    instalments: _containers.RepeatedCompositeFieldContainer[BillInstalment]
    bill_id: str
    payment_id: str
    treasury_id: str
    schedule_version: int
    issued_at: int
    acts: int
    def __init__(self, number: _Optional[str] = ..., agency: _Optional[str] = ..., service: _Optional[str] = ..., reference: _Optional[str] = ..., payer_id: _Optional[str] = ..., subject: _Optional[_Union[BillSubject, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[BillLine, _Mapping]]] = ..., amount: _Optional[int] = ..., paid: _Optional[int] = ..., refunded: _Optional[int] = ..., outstanding: _Optional[int] = ..., credit: _Optional[int] = ..., state: _Optional[_Union[BillState, str]] = ..., payable: _Optional[bool] = ..., payment_under_way: _Optional[bool] = ..., due_date: _Optional[str] = ..., objection_until: _Optional[str] = ..., allows_partial: _Optional[bool] = ..., instalments: _Optional[_Iterable[_Union[BillInstalment, _Mapping]]] = ..., bill_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., treasury_id: _Optional[str] = ..., schedule_version: _Optional[int] = ..., issued_at: _Optional[int] = ..., acts: _Optional[int] = ...) -> None: ...
