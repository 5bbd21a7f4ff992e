from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CloseDayRequest(_message.Message):
    __slots__ = ("date",)
    DATE_FIELD_NUMBER: _ClassVar[int]
    date: str
    def __init__(self, date: _Optional[str] = ...) -> None: ...

class CloseDayResponse(_message.Message):
    __slots__ = ("day",)
    DAY_FIELD_NUMBER: _ClassVar[int]
    day: ClosedDay
    def __init__(self, day: _Optional[_Union[ClosedDay, _Mapping]] = ...) -> None: ...

class ClosedDay(_message.Message):
    __slots__ = ("number", "date", "journal_id", "first_sequence", "last_sequence", "last_digest", "leaves", "root", "public_key", "signature")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    number: int
    date: str
    journal_id: bytes
    first_sequence: int
    last_sequence: int
    last_digest: bytes
    leaves: int
    root: bytes
    public_key: bytes
    signature: bytes
    def __init__(self, number: _Optional[int] = ..., date: _Optional[str] = ..., journal_id: _Optional[bytes] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., last_digest: _Optional[bytes] = ..., leaves: _Optional[int] = ..., root: _Optional[bytes] = ..., public_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...
