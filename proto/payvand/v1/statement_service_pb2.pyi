from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatementRequest(_message.Message):
    __slots__ = ("participant", "window", "page_size", "page", "account")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    participant: str
    window: int
    page_size: int
    page: str
    account: str
    def __init__(self, participant: _Optional[str] = ..., window: _Optional[int] = ..., page_size: _Optional[int] = ..., page: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class FollowStatementRequest(_message.Message):
    __slots__ = ("participant", "account", "cursor")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    participant: str
    account: str
    cursor: int
    def __init__(self, participant: _Optional[str] = ..., account: _Optional[str] = ..., cursor: _Optional[int] = ...) -> None: ...

class FollowStatementResponse(_message.Message):
    __slots__ = ("cursor", "entries")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    entries: _containers.RepeatedCompositeFieldContainer[StatementEntry]
    def __init__(self, cursor: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[StatementEntry, _Mapping]]] = ...) -> None: ...

class GetStatementResponse(_message.Message):
    __slots__ = ("participant", "window", "opening", "closing", "debits", "credits", "entries_total", "entries", "next_page")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    DEBITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_FIELD_NUMBER: _ClassVar[int]
    participant: str
    window: int
    opening: str
    closing: str
    debits: str
    credits: str
    entries_total: int
    entries: _containers.RepeatedCompositeFieldContainer[StatementEntry]
    next_page: str
    def __init__(self, participant: _Optional[str] = ..., window: _Optional[int] = ..., opening: _Optional[str] = ..., closing: _Optional[str] = ..., debits: _Optional[str] = ..., credits: _Optional[str] = ..., entries_total: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[StatementEntry, _Mapping]]] = ..., next_page: _Optional[str] = ...) -> None: ...

class StatementEntry(_message.Message):
    __slots__ = ("id", "posted_at", "counterparty", "amount", "debit", "kind", "end_to_end_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    POSTED_AT_FIELD_NUMBER: _ClassVar[int]
    COUNTERPARTY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DEBIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    END_TO_END_ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    posted_at: int
    counterparty: str
    amount: str
    debit: bool
    kind: str
    end_to_end_id: str
    def __init__(self, id: _Optional[bytes] = ..., posted_at: _Optional[int] = ..., counterparty: _Optional[str] = ..., amount: _Optional[str] = ..., debit: _Optional[bool] = ..., kind: _Optional[str] = ..., end_to_end_id: _Optional[str] = ...) -> None: ...
