from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PaymentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_KIND_UNSPECIFIED: _ClassVar[PaymentKind]
    PAYMENT_KIND_CREDIT_TRANSFER: _ClassVar[PaymentKind]
    PAYMENT_KIND_FEE: _ClassVar[PaymentKind]
    PAYMENT_KIND_RETURN: _ClassVar[PaymentKind]
    PAYMENT_KIND_RECALL: _ClassVar[PaymentKind]

class PaymentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_STATE_UNSPECIFIED: _ClassVar[PaymentState]
    PAYMENT_STATE_UNKNOWN: _ClassVar[PaymentState]
    PAYMENT_STATE_REFUSED: _ClassVar[PaymentState]
    PAYMENT_STATE_DECLINED: _ClassVar[PaymentState]
    PAYMENT_STATE_RESERVED: _ClassVar[PaymentState]
    PAYMENT_STATE_SETTLED: _ClassVar[PaymentState]
    PAYMENT_STATE_REJECTED: _ClassVar[PaymentState]
    PAYMENT_STATE_EXPIRED: _ClassVar[PaymentState]
PAYMENT_KIND_UNSPECIFIED: PaymentKind
PAYMENT_KIND_CREDIT_TRANSFER: PaymentKind
PAYMENT_KIND_FEE: PaymentKind
PAYMENT_KIND_RETURN: PaymentKind
PAYMENT_KIND_RECALL: PaymentKind
PAYMENT_STATE_UNSPECIFIED: PaymentState
PAYMENT_STATE_UNKNOWN: PaymentState
PAYMENT_STATE_REFUSED: PaymentState
PAYMENT_STATE_DECLINED: PaymentState
PAYMENT_STATE_RESERVED: PaymentState
PAYMENT_STATE_SETTLED: PaymentState
PAYMENT_STATE_REJECTED: PaymentState
PAYMENT_STATE_EXPIRED: PaymentState

class Payment(_message.Message):
    __slots__ = ("id", "kind", "debtor_iban", "creditor_iban", "amount", "unit", "end_to_end_id", "debtor_name", "creditor_name", "remittance", "bill_reference", "original_id", "reason_code")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    CREDITOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    END_TO_END_ID_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    CREDITOR_NAME_FIELD_NUMBER: _ClassVar[int]
    REMITTANCE_FIELD_NUMBER: _ClassVar[int]
    BILL_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kind: PaymentKind
    debtor_iban: str
    creditor_iban: str
    amount: int
    unit: str
    end_to_end_id: str
    debtor_name: str
    creditor_name: str
    remittance: str
    bill_reference: str
    original_id: bytes
    reason_code: str
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[_Union[PaymentKind, str]] = ..., debtor_iban: _Optional[str] = ..., creditor_iban: _Optional[str] = ..., amount: _Optional[int] = ..., unit: _Optional[str] = ..., end_to_end_id: _Optional[str] = ..., debtor_name: _Optional[str] = ..., creditor_name: _Optional[str] = ..., remittance: _Optional[str] = ..., bill_reference: _Optional[str] = ..., original_id: _Optional[bytes] = ..., reason_code: _Optional[str] = ...) -> None: ...

class PackedPayment(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("index", "field", "rule", "hint")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    index: int
    field: str
    rule: str
    hint: str
    def __init__(self, index: _Optional[int] = ..., field: _Optional[str] = ..., rule: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Declined(_message.Message):
    __slots__ = ("index", "reason")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    index: int
    reason: Reason
    def __init__(self, index: _Optional[int] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ...) -> None: ...
