from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetDailyReportRequest(_message.Message):
    __slots__ = ("date",)
    DATE_FIELD_NUMBER: _ClassVar[int]
    date: str
    def __init__(self, date: _Optional[str] = ...) -> None: ...

class GetDailyReportResponse(_message.Message):
    __slots__ = ("report", "signature", "csv")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    report: str
    signature: bytes
    csv: str
    def __init__(self, report: _Optional[str] = ..., signature: _Optional[bytes] = ..., csv: _Optional[str] = ...) -> None: ...

class GetDailyTotalsRequest(_message.Message):
    __slots__ = ("agency", "first", "last")
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    agency: str
    first: str
    last: str
    def __init__(self, agency: _Optional[str] = ..., first: _Optional[str] = ..., last: _Optional[str] = ...) -> None: ...

class GetDailyTotalsResponse(_message.Message):
    __slots__ = ("days", "last")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedCompositeFieldContainer[DayTotal]
    last: str
    def __init__(self, days: _Optional[_Iterable[_Union[DayTotal, _Mapping]]] = ..., last: _Optional[str] = ...) -> None: ...

class DayTotal(_message.Message):
    __slots__ = ("day", "payments", "paid", "refunds", "refunded")
    DAY_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    day: str
    payments: int
    paid: int
    refunds: int
    refunded: int
    def __init__(self, day: _Optional[str] = ..., payments: _Optional[int] = ..., paid: _Optional[int] = ..., refunds: _Optional[int] = ..., refunded: _Optional[int] = ...) -> None: ...
