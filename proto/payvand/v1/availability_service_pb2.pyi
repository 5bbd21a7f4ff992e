from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Availability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AVAILABILITY_UNSPECIFIED: _ClassVar[Availability]
    AVAILABILITY_UP: _ClassVar[Availability]
    AVAILABILITY_DEGRADED: _ClassVar[Availability]
    AVAILABILITY_DRAINING: _ClassVar[Availability]
    AVAILABILITY_DOWN: _ClassVar[Availability]
AVAILABILITY_UNSPECIFIED: Availability
AVAILABILITY_UP: Availability
AVAILABILITY_DEGRADED: Availability
AVAILABILITY_DRAINING: Availability
AVAILABILITY_DOWN: Availability

class ParticipantAvailability(_message.Message):
    __slots__ = ("participant", "availability", "since", "said_by_participant", "said_by_operator", "followers", "time_outs", "remark")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SAID_BY_PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    SAID_BY_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    FOLLOWERS_FIELD_NUMBER: _ClassVar[int]
    TIME_OUTS_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    participant: str
    availability: Availability
    since: int
    said_by_participant: Availability
    said_by_operator: Availability
    followers: int
    time_outs: int
    remark: str
    def __init__(self, participant: _Optional[str] = ..., availability: _Optional[_Union[Availability, str]] = ..., since: _Optional[int] = ..., said_by_participant: _Optional[_Union[Availability, str]] = ..., said_by_operator: _Optional[_Union[Availability, str]] = ..., followers: _Optional[int] = ..., time_outs: _Optional[int] = ..., remark: _Optional[str] = ...) -> None: ...

class WatchAvailabilityRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchAvailabilityResponse(_message.Message):
    __slots__ = ("participants",)
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[ParticipantAvailability]
    def __init__(self, participants: _Optional[_Iterable[_Union[ParticipantAvailability, _Mapping]]] = ...) -> None: ...

class SayAvailabilityRequest(_message.Message):
    __slots__ = ("participant", "availability", "remark")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    participant: str
    availability: Availability
    remark: str
    def __init__(self, participant: _Optional[str] = ..., availability: _Optional[_Union[Availability, str]] = ..., remark: _Optional[str] = ...) -> None: ...

class SayAvailabilityResponse(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: ParticipantAvailability
    def __init__(self, participant: _Optional[_Union[ParticipantAvailability, _Mapping]] = ...) -> None: ...
