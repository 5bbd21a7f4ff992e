from payvand.v1 import bill_pb2 as _bill_pb2
from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BillChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILL_CHANGE_UNSPECIFIED: _ClassVar[BillChange]
    BILL_CHANGE_AMENDED: _ClassVar[BillChange]
    BILL_CHANGE_WAIVED: _ClassVar[BillChange]
    BILL_CHANGE_EXEMPTED: _ClassVar[BillChange]
    BILL_CHANGE_OBJECTED: _ClassVar[BillChange]
    BILL_CHANGE_DISMISSED: _ClassVar[BillChange]
    BILL_CHANGE_CANCELLED: _ClassVar[BillChange]
    BILL_CHANGE_EXPIRED: _ClassVar[BillChange]
    BILL_CHANGE_ACCRUED: _ClassVar[BillChange]
    BILL_CHANGE_REBATED: _ClassVar[BillChange]
BILL_CHANGE_UNSPECIFIED: BillChange
BILL_CHANGE_AMENDED: BillChange
BILL_CHANGE_WAIVED: BillChange
BILL_CHANGE_EXEMPTED: BillChange
BILL_CHANGE_OBJECTED: BillChange
BILL_CHANGE_DISMISSED: BillChange
BILL_CHANGE_CANCELLED: BillChange
BILL_CHANGE_EXPIRED: BillChange
BILL_CHANGE_ACCRUED: BillChange
BILL_CHANGE_REBATED: BillChange

class AmendedLine(_message.Message):
    __slots__ = ("line", "amount")
    LINE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    line: int
    amount: int
    def __init__(self, line: _Optional[int] = ..., amount: _Optional[int] = ...) -> None: ...

class AmendBillRequest(_message.Message):
    __slots__ = ("number", "change", "lines", "due_date", "reason", "acts")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    number: str
    change: BillChange
    lines: _containers.RepeatedCompositeFieldContainer[AmendedLine]
    due_date: str
    reason: str
    acts: int
    def __init__(self, number: _Optional[str] = ..., change: _Optional[_Union[BillChange, str]] = ..., lines: _Optional[_Iterable[_Union[AmendedLine, _Mapping]]] = ..., due_date: _Optional[str] = ..., reason: _Optional[str] = ..., acts: _Optional[int] = ...) -> None: ...

class AmendBillResponse(_message.Message):
    __slots__ = ("bill", "refunds")
    BILL_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    bill: _bill_pb2.Bill
    refunds: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, bill: _Optional[_Union[_bill_pb2.Bill, _Mapping]] = ..., refunds: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ObjectToBillRequest(_message.Message):
    __slots__ = ("number", "reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    number: str
    reason: str
    def __init__(self, number: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ObjectToBillResponse(_message.Message):
    __slots__ = ("bill",)
    BILL_FIELD_NUMBER: _ClassVar[int]
    bill: _bill_pb2.Bill
    def __init__(self, bill: _Optional[_Union[_bill_pb2.Bill, _Mapping]] = ...) -> None: ...

class ListActsRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: str
    def __init__(self, number: _Optional[str] = ...) -> None: ...

class ListActsResponse(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[BillAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[BillAct, _Mapping]]] = ...) -> None: ...

class BillAct(_message.Message):
    __slots__ = ("number", "at", "paid", "refunded", "notice")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    number: int
    at: int
    paid: int
    refunded: int
    notice: BillNotice
    def __init__(self, number: _Optional[int] = ..., at: _Optional[int] = ..., paid: _Optional[int] = ..., refunded: _Optional[int] = ..., notice: _Optional[_Union[BillNotice, _Mapping]] = ...) -> None: ...

class BillNotice(_message.Message):
    __slots__ = ("change", "reason", "made_by", "lines", "due_date")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    change: BillChange
    reason: str
    made_by: str
    lines: _containers.RepeatedCompositeFieldContainer[_bill_pb2.BillLine]
    due_date: str
    def __init__(self, change: _Optional[_Union[BillChange, str]] = ..., reason: _Optional[str] = ..., made_by: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[_bill_pb2.BillLine, _Mapping]]] = ..., due_date: _Optional[str] = ...) -> None: ...

class IssueBillsRequest(_message.Message):
    __slots__ = ("bills",)
    BILLS_FIELD_NUMBER: _ClassVar[int]
    bills: _containers.RepeatedCompositeFieldContainer[_bill_pb2.NewBill]
    def __init__(self, bills: _Optional[_Iterable[_Union[_bill_pb2.NewBill, _Mapping]]] = ...) -> None: ...

class IssueBillsResponse(_message.Message):
    __slots__ = ("bills", "refusals")
    BILLS_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    bills: _containers.RepeatedCompositeFieldContainer[_bill_pb2.IssuedBill]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    def __init__(self, bills: _Optional[_Iterable[_Union[_bill_pb2.IssuedBill, _Mapping]]] = ..., refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ...) -> None: ...

class BillPaymentIds(_message.Message):
    __slots__ = ("bill_id", "payment_id")
    BILL_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    bill_id: str
    payment_id: str
    def __init__(self, bill_id: _Optional[str] = ..., payment_id: _Optional[str] = ...) -> None: ...

class FindBillsRequest(_message.Message):
    __slots__ = ("number", "ids", "barcode", "payer_id", "subject", "settled", "page_size", "page")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    BARCODE_FIELD_NUMBER: _ClassVar[int]
    PAYER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    number: str
    ids: BillPaymentIds
    barcode: str
    payer_id: str
    subject: _bill_pb2.BillSubject
    settled: bool
    page_size: int
    page: str
    def __init__(self, number: _Optional[str] = ..., ids: _Optional[_Union[BillPaymentIds, _Mapping]] = ..., barcode: _Optional[str] = ..., payer_id: _Optional[str] = ..., subject: _Optional[_Union[_bill_pb2.BillSubject, _Mapping]] = ..., settled: _Optional[bool] = ..., page_size: _Optional[int] = ..., page: _Optional[str] = ...) -> None: ...

class FindBillsResponse(_message.Message):
    __slots__ = ("bills", "next_page")
    BILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_FIELD_NUMBER: _ClassVar[int]
    bills: _containers.RepeatedCompositeFieldContainer[_bill_pb2.Bill]
    next_page: str
    def __init__(self, bills: _Optional[_Iterable[_Union[_bill_pb2.Bill, _Mapping]]] = ..., next_page: _Optional[str] = ...) -> None: ...
