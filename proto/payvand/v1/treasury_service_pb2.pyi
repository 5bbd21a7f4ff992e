from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Posting(_message.Message):
    __slots__ = ("window", "text", "digest", "swept", "made_at", "acknowledged_by", "acknowledged_at", "refused_because")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SWEPT_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    window: int
    text: str
    digest: bytes
    swept: str
    made_at: int
    acknowledged_by: str
    acknowledged_at: int
    refused_because: str
    def __init__(self, window: _Optional[int] = ..., text: _Optional[str] = ..., digest: _Optional[bytes] = ..., swept: _Optional[str] = ..., made_at: _Optional[int] = ..., acknowledged_by: _Optional[str] = ..., acknowledged_at: _Optional[int] = ..., refused_because: _Optional[str] = ...) -> None: ...

class SweepWindowRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class SweepWindowResponse(_message.Message):
    __slots__ = ("posting",)
    POSTING_FIELD_NUMBER: _ClassVar[int]
    posting: Posting
    def __init__(self, posting: _Optional[_Union[Posting, _Mapping]] = ...) -> None: ...

class AcknowledgePostingRequest(_message.Message):
    __slots__ = ("window", "digest", "refused_because")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REFUSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    window: int
    digest: bytes
    refused_because: str
    def __init__(self, window: _Optional[int] = ..., digest: _Optional[bytes] = ..., refused_because: _Optional[str] = ...) -> None: ...

class AcknowledgePostingResponse(_message.Message):
    __slots__ = ("posting",)
    POSTING_FIELD_NUMBER: _ClassVar[int]
    posting: Posting
    def __init__(self, posting: _Optional[_Union[Posting, _Mapping]] = ...) -> None: ...

class ListPostingsRequest(_message.Message):
    __slots__ = ("open", "page_size")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    open: bool
    page_size: int
    def __init__(self, open: _Optional[bool] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListPostingsResponse(_message.Message):
    __slots__ = ("postings",)
    POSTINGS_FIELD_NUMBER: _ClassVar[int]
    postings: _containers.RepeatedCompositeFieldContainer[Posting]
    def __init__(self, postings: _Optional[_Iterable[_Union[Posting, _Mapping]]] = ...) -> None: ...
