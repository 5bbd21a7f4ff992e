from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RefundState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUND_STATE_UNSPECIFIED: _ClassVar[RefundState]
    REFUND_STATE_REQUESTED: _ClassVar[RefundState]
    REFUND_STATE_WAITING: _ClassVar[RefundState]
    REFUND_STATE_PAID: _ClassVar[RefundState]
    REFUND_STATE_REFUSED: _ClassVar[RefundState]
    REFUND_STATE_WITHDRAWN: _ClassVar[RefundState]
    REFUND_STATE_EXPIRED: _ClassVar[RefundState]
    REFUND_STATE_FAILED: _ClassVar[RefundState]
REFUND_STATE_UNSPECIFIED: RefundState
REFUND_STATE_REQUESTED: RefundState
REFUND_STATE_WAITING: RefundState
REFUND_STATE_PAID: RefundState
REFUND_STATE_REFUSED: RefundState
REFUND_STATE_WITHDRAWN: RefundState
REFUND_STATE_EXPIRED: RefundState
REFUND_STATE_FAILED: RefundState

class RefundLine(_message.Message):
    __slots__ = ("line", "amount")
    LINE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    line: int
    amount: int
    def __init__(self, line: _Optional[int] = ..., amount: _Optional[int] = ...) -> None: ...

class Refund(_message.Message):
    __slots__ = ("id", "number", "act", "amount", "lines", "reason_code", "reason", "state", "digest", "requested_by", "requested_at", "decided_by", "payment_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    number: str
    act: int
    amount: int
    lines: _containers.RepeatedCompositeFieldContainer[RefundLine]
    reason_code: str
    reason: str
    state: RefundState
    digest: str
    requested_by: str
    requested_at: int
    decided_by: str
    payment_id: bytes
    def __init__(self, id: _Optional[bytes] = ..., number: _Optional[str] = ..., act: _Optional[int] = ..., amount: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[RefundLine, _Mapping]]] = ..., reason_code: _Optional[str] = ..., reason: _Optional[str] = ..., state: _Optional[_Union[RefundState, str]] = ..., digest: _Optional[str] = ..., requested_by: _Optional[str] = ..., requested_at: _Optional[int] = ..., decided_by: _Optional[str] = ..., payment_id: _Optional[bytes] = ...) -> None: ...

class RequestRefundRequest(_message.Message):
    __slots__ = ("id", "number", "act", "amount", "lines", "reason_code", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    number: str
    act: int
    amount: int
    lines: _containers.RepeatedCompositeFieldContainer[RefundLine]
    reason_code: str
    reason: str
    def __init__(self, id: _Optional[bytes] = ..., number: _Optional[str] = ..., act: _Optional[int] = ..., amount: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[RefundLine, _Mapping]]] = ..., reason_code: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RequestRefundResponse(_message.Message):
    __slots__ = ("refund",)
    REFUND_FIELD_NUMBER: _ClassVar[int]
    refund: Refund
    def __init__(self, refund: _Optional[_Union[Refund, _Mapping]] = ...) -> None: ...

class ApproveRefundRequest(_message.Message):
    __slots__ = ("id", "digest", "remark")
    ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    digest: str
    remark: str
    def __init__(self, id: _Optional[bytes] = ..., digest: _Optional[str] = ..., remark: _Optional[str] = ...) -> None: ...

class ApproveRefundResponse(_message.Message):
    __slots__ = ("refund",)
    REFUND_FIELD_NUMBER: _ClassVar[int]
    refund: Refund
    def __init__(self, refund: _Optional[_Union[Refund, _Mapping]] = ...) -> None: ...

class RefuseRefundRequest(_message.Message):
    __slots__ = ("id", "remark")
    ID_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    remark: str
    def __init__(self, id: _Optional[bytes] = ..., remark: _Optional[str] = ...) -> None: ...

class RefuseRefundResponse(_message.Message):
    __slots__ = ("refund",)
    REFUND_FIELD_NUMBER: _ClassVar[int]
    refund: Refund
    def __init__(self, refund: _Optional[_Union[Refund, _Mapping]] = ...) -> None: ...

class ListRefundsRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: str
    def __init__(self, number: _Optional[str] = ...) -> None: ...

class ListRefundsResponse(_message.Message):
    __slots__ = ("refunds",)
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    refunds: _containers.RepeatedCompositeFieldContainer[Refund]
    def __init__(self, refunds: _Optional[_Iterable[_Union[Refund, _Mapping]]] = ...) -> None: ...
