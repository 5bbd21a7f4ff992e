from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmitRequest(_message.Message):
    __slots__ = ("payments", "packed", "packed_texts")
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    PACKED_TEXTS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Payment]
    packed: bytes
    packed_texts: bytes
    def __init__(self, payments: _Optional[_Iterable[_Union[_payment_pb2.Payment, _Mapping]]] = ..., packed: _Optional[bytes] = ..., packed_texts: _Optional[bytes] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("states", "refusals", "declined")
    STATES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_payment_pb2.PaymentState]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    declined: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Declined]
    def __init__(self, states: _Optional[_Iterable[_Union[_payment_pb2.PaymentState, str]]] = ..., refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ..., declined: _Optional[_Iterable[_Union[_payment_pb2.Declined, _Mapping]]] = ...) -> None: ...

class SubmitStreamRequest(_message.Message):
    __slots__ = ("payments", "packed", "packed_texts")
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    PACKED_TEXTS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Payment]
    packed: bytes
    packed_texts: bytes
    def __init__(self, payments: _Optional[_Iterable[_Union[_payment_pb2.Payment, _Mapping]]] = ..., packed: _Optional[bytes] = ..., packed_texts: _Optional[bytes] = ...) -> None: ...

class SubmitStreamResponse(_message.Message):
    __slots__ = ("states", "refusals", "declined")
    STATES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_payment_pb2.PaymentState]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    declined: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Declined]
    def __init__(self, states: _Optional[_Iterable[_Union[_payment_pb2.PaymentState, str]]] = ..., refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ..., declined: _Optional[_Iterable[_Union[_payment_pb2.Declined, _Mapping]]] = ...) -> None: ...

class AnswerRequest(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[PaymentAnswer]
    def __init__(self, answers: _Optional[_Iterable[_Union[PaymentAnswer, _Mapping]]] = ...) -> None: ...

class PaymentAnswer(_message.Message):
    __slots__ = ("id", "accept", "reason_code")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    accept: bool
    reason_code: str
    def __init__(self, id: _Optional[bytes] = ..., accept: _Optional[bool] = ..., reason_code: _Optional[str] = ...) -> None: ...

class AnswerResponse(_message.Message):
    __slots__ = ("states",)
    STATES_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_payment_pb2.PaymentState]
    def __init__(self, states: _Optional[_Iterable[_Union[_payment_pb2.PaymentState, str]]] = ...) -> None: ...

class FollowRequest(_message.Message):
    __slots__ = ("cursor",)
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    def __init__(self, cursor: _Optional[int] = ...) -> None: ...

class FollowResponse(_message.Message):
    __slots__ = ("cursor", "offers", "outcomes")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    offers: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Payment]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    def __init__(self, cursor: _Optional[int] = ..., offers: _Optional[_Iterable[_Union[_payment_pb2.Payment, _Mapping]]] = ..., outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("id", "state", "reason_code", "timestamp")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    state: _payment_pb2.PaymentState
    reason_code: str
    timestamp: int
    def __init__(self, id: _Optional[bytes] = ..., state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ..., reason_code: _Optional[str] = ..., timestamp: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, ids: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("statuses",)
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    statuses: _containers.RepeatedCompositeFieldContainer[PaymentStatus]
    def __init__(self, statuses: _Optional[_Iterable[_Union[PaymentStatus, _Mapping]]] = ...) -> None: ...

class PaymentStatus(_message.Message):
    __slots__ = ("id", "state", "reason", "amount", "recorded_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    state: _payment_pb2.PaymentState
    reason: _payment_pb2.Reason
    amount: int
    recorded_at: int
    def __init__(self, id: _Optional[bytes] = ..., state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ..., reason: _Optional[_Union[_payment_pb2.Reason, _Mapping]] = ..., amount: _Optional[int] = ..., recorded_at: _Optional[int] = ...) -> None: ...
