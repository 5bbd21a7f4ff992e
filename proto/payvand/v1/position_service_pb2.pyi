from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FollowPositionRequest(_message.Message):
    __slots__ = ("participant", "cursor", "interval_ms")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    participant: str
    cursor: int
    interval_ms: int
    def __init__(self, participant: _Optional[str] = ..., cursor: _Optional[int] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class FollowPositionResponse(_message.Message):
    __slots__ = ("cursor", "position", "alerts")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    position: Position
    alerts: _containers.RepeatedCompositeFieldContainer[LimitAlert]
    def __init__(self, cursor: _Optional[int] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., alerts: _Optional[_Iterable[_Union[LimitAlert, _Mapping]]] = ...) -> None: ...

class FollowAlertsRequest(_message.Message):
    __slots__ = ("participant", "cursor")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    participant: str
    cursor: int
    def __init__(self, participant: _Optional[str] = ..., cursor: _Optional[int] = ...) -> None: ...

class FollowAlertsResponse(_message.Message):
    __slots__ = ("cursor", "alerts")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    alerts: _containers.RepeatedCompositeFieldContainer[LimitAlert]
    def __init__(self, cursor: _Optional[int] = ..., alerts: _Optional[_Iterable[_Union[LimitAlert, _Mapping]]] = ...) -> None: ...

class GetPositionRequest(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: str
    def __init__(self, participant: _Optional[str] = ...) -> None: ...

class GetPositionResponse(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: Position
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("participant", "unit", "sequence", "balance", "reserved_out", "reserved_in", "cap", "headroom", "settlement_balance", "collateral", "charges", "limits")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_OUT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_IN_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    HEADROOM_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    COLLATERAL_FIELD_NUMBER: _ClassVar[int]
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    participant: str
    unit: str
    sequence: int
    balance: str
    reserved_out: str
    reserved_in: str
    cap: str
    headroom: str
    settlement_balance: str
    collateral: str
    charges: str
    limits: _containers.RepeatedCompositeFieldContainer[LimitUse]
    def __init__(self, participant: _Optional[str] = ..., unit: _Optional[str] = ..., sequence: _Optional[int] = ..., balance: _Optional[str] = ..., reserved_out: _Optional[str] = ..., reserved_in: _Optional[str] = ..., cap: _Optional[str] = ..., headroom: _Optional[str] = ..., settlement_balance: _Optional[str] = ..., collateral: _Optional[str] = ..., charges: _Optional[str] = ..., limits: _Optional[_Iterable[_Union[LimitUse, _Mapping]]] = ...) -> None: ...

class LimitUse(_message.Message):
    __slots__ = ("limit", "maximum", "used")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    limit: str
    maximum: str
    used: str
    def __init__(self, limit: _Optional[str] = ..., maximum: _Optional[str] = ..., used: _Optional[str] = ...) -> None: ...

class LimitAlert(_message.Message):
    __slots__ = ("sequence", "at", "participant", "limit", "percent", "used", "maximum")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    at: int
    participant: str
    limit: str
    percent: int
    used: str
    maximum: str
    def __init__(self, sequence: _Optional[int] = ..., at: _Optional[int] = ..., participant: _Optional[str] = ..., limit: _Optional[str] = ..., percent: _Optional[int] = ..., used: _Optional[str] = ..., maximum: _Optional[str] = ...) -> None: ...
