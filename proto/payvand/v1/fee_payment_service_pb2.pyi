from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PayBillsRequest(_message.Message):
    __slots__ = ("payments",)
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[FeePayment]
    def __init__(self, payments: _Optional[_Iterable[_Union[FeePayment, _Mapping]]] = ...) -> None: ...

class FeePayment(_message.Message):
    __slots__ = ("id", "debtor_iban", "debtor_name", "end_to_end_id", "amount", "bills")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_NAME_FIELD_NUMBER: _ClassVar[int]
    END_TO_END_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BILLS_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    debtor_iban: str
    debtor_name: str
    end_to_end_id: str
    amount: int
    bills: _containers.RepeatedCompositeFieldContainer[BillPart]
    def __init__(self, id: _Optional[bytes] = ..., debtor_iban: _Optional[str] = ..., debtor_name: _Optional[str] = ..., end_to_end_id: _Optional[str] = ..., amount: _Optional[int] = ..., bills: _Optional[_Iterable[_Union[BillPart, _Mapping]]] = ...) -> None: ...

class BillPart(_message.Message):
    __slots__ = ("number", "amount", "beyond")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BEYOND_FIELD_NUMBER: _ClassVar[int]
    number: str
    amount: int
    beyond: bool
    def __init__(self, number: _Optional[str] = ..., amount: _Optional[int] = ..., beyond: _Optional[bool] = ...) -> None: ...

class PayBillsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[FeePaymentResult]
    def __init__(self, results: _Optional[_Iterable[_Union[FeePaymentResult, _Mapping]]] = ...) -> None: ...

class FeePaymentResult(_message.Message):
    __slots__ = ("state", "reason", "refusal", "bills")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    BILLS_FIELD_NUMBER: _ClassVar[int]
    state: _payment_pb2.PaymentState
    reason: _payment_pb2.Reason
    refusal: _payment_pb2.Refusal
    bills: _containers.RepeatedCompositeFieldContainer[PaidBill]
    def __init__(self, state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ..., reason: _Optional[_Union[_payment_pb2.Reason, _Mapping]] = ..., refusal: _Optional[_Union[_payment_pb2.Refusal, _Mapping]] = ..., bills: _Optional[_Iterable[_Union[PaidBill, _Mapping]]] = ...) -> None: ...

class PaidBill(_message.Message):
    __slots__ = ("number", "act", "amount", "paid_at")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAID_AT_FIELD_NUMBER: _ClassVar[int]
    number: str
    act: int
    amount: int
    paid_at: int
    def __init__(self, number: _Optional[str] = ..., act: _Optional[int] = ..., amount: _Optional[int] = ..., paid_at: _Optional[int] = ...) -> None: ...
