from payvand.v1 import bill_service_pb2 as _bill_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BillEvent(_message.Message):
    __slots__ = ("number", "act", "at", "paid", "refunded", "changed")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    number: str
    act: int
    at: int
    paid: int
    refunded: int
    changed: _bill_service_pb2.BillChange
    def __init__(self, number: _Optional[str] = ..., act: _Optional[int] = ..., at: _Optional[int] = ..., paid: _Optional[int] = ..., refunded: _Optional[int] = ..., changed: _Optional[_Union[_bill_service_pb2.BillChange, str]] = ...) -> None: ...

class FollowBillsRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    def __init__(self, cursor: _Optional[int] = ...) -> None: ...

class FollowBillsResponse(_message.Message):
    __slots__ = ("cursor", "events")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    events: _containers.RepeatedCompositeFieldContainer[BillEvent]
    def __init__(self, cursor: _Optional[int] = ..., events: _Optional[_Iterable[_Union[BillEvent, _Mapping]]] = ...) -> None: ...

class Webhook(_message.Message):
    __slots__ = ("url", "cursor", "failures", "last_error", "next_try_at", "given_up", "public_key")
    URL_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_AT_FIELD_NUMBER: _ClassVar[int]
    GIVEN_UP_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    url: str
    cursor: int
    failures: int
    last_error: str
    next_try_at: int
    given_up: bool
    public_key: str
    def __init__(self, url: _Optional[str] = ..., cursor: _Optional[int] = ..., failures: _Optional[int] = ..., last_error: _Optional[str] = ..., next_try_at: _Optional[int] = ..., given_up: _Optional[bool] = ..., public_key: _Optional[str] = ...) -> None: ...

class PutWebhookRequest(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class PutWebhookResponse(_message.Message):
    __slots__ = ("webhook",)
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    webhook: Webhook
    def __init__(self, webhook: _Optional[_Union[Webhook, _Mapping]] = ...) -> None: ...

class GetWebhookRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetWebhookResponse(_message.Message):
    __slots__ = ("webhook",)
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    webhook: Webhook
    def __init__(self, webhook: _Optional[_Union[Webhook, _Mapping]] = ...) -> None: ...

class RemoveWebhookRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RemoveWebhookResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
