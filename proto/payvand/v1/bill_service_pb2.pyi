from payvand.v1 import bill_pb2 as _bill_pb2
from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
