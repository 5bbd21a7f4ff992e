from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetTotalsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTotalsResponse(_message.Message):
    __slots__ = ("ledger", "database")
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    DATABASE_FIELD_NUMBER: _ClassVar[int]
    ledger: Totals
    database: Totals
    def __init__(self, ledger: _Optional[_Union[Totals, _Mapping]] = ..., database: _Optional[_Union[Totals, _Mapping]] = ...) -> None: ...

class Totals(_message.Message):
    __slots__ = ("sequence", "payments", "debits_posted", "credits_posted", "debits_pending", "credits_pending")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    DEBITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    CREDITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    payments: _containers.RepeatedCompositeFieldContainer[StateCount]
    debits_posted: str
    credits_posted: str
    debits_pending: str
    credits_pending: str
    def __init__(self, sequence: _Optional[int] = ..., payments: _Optional[_Iterable[_Union[StateCount, _Mapping]]] = ..., debits_posted: _Optional[str] = ..., credits_posted: _Optional[str] = ..., debits_pending: _Optional[str] = ..., credits_pending: _Optional[str] = ...) -> None: ...

class StateCount(_message.Message):
    __slots__ = ("state", "count", "amount")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    state: str
    count: int
    amount: str
    def __init__(self, state: _Optional[str] = ..., count: _Optional[int] = ..., amount: _Optional[str] = ...) -> None: ...
