from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CloseWindowRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class CloseWindowResponse(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: SettlementWindow
    def __init__(self, window: _Optional[_Union[SettlementWindow, _Mapping]] = ...) -> None: ...

class SettlementWindow(_message.Message):
    __slots__ = ("number", "closed_sequence", "closed_at", "positions", "due_at")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CLOSED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    number: int
    closed_sequence: int
    closed_at: int
    positions: _containers.RepeatedCompositeFieldContainer[NetPosition]
    due_at: int
    def __init__(self, number: _Optional[int] = ..., closed_sequence: _Optional[int] = ..., closed_at: _Optional[int] = ..., positions: _Optional[_Iterable[_Union[NetPosition, _Mapping]]] = ..., due_at: _Optional[int] = ...) -> None: ...

class NetPosition(_message.Message):
    __slots__ = ("participant", "debits", "credits", "net", "settled", "carried")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    DEBITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    participant: str
    debits: str
    credits: str
    net: str
    settled: str
    carried: str
    def __init__(self, participant: _Optional[str] = ..., debits: _Optional[str] = ..., credits: _Optional[str] = ..., net: _Optional[str] = ..., settled: _Optional[str] = ..., carried: _Optional[str] = ...) -> None: ...

class ListWindowsRequest(_message.Message):
    __slots__ = ("page_size", "before")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    before: int
    def __init__(self, page_size: _Optional[int] = ..., before: _Optional[int] = ...) -> None: ...

class ListWindowsResponse(_message.Message):
    __slots__ = ("windows",)
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[SettlementWindow]
    def __init__(self, windows: _Optional[_Iterable[_Union[SettlementWindow, _Mapping]]] = ...) -> None: ...
