from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ParticipantRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTICIPANT_ROLE_UNSPECIFIED: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_BANK: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_AGENCY: _ClassVar[ParticipantRole]
PARTICIPANT_ROLE_UNSPECIFIED: ParticipantRole
PARTICIPANT_ROLE_BANK: ParticipantRole
PARTICIPANT_ROLE_AGENCY: ParticipantRole

class Participant(_message.Message):
    __slots__ = ("name", "role", "display_name", "bank_codes", "ibans", "net_debit_cap", "unit", "auto_accept", "number", "display_name_fa")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    BANK_CODES_FIELD_NUMBER: _ClassVar[int]
    IBANS_FIELD_NUMBER: _ClassVar[int]
    NET_DEBIT_CAP_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    AUTO_ACCEPT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FA_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: ParticipantRole
    display_name: str
    bank_codes: _containers.RepeatedScalarFieldContainer[str]
    ibans: _containers.RepeatedScalarFieldContainer[str]
    net_debit_cap: int
    unit: str
    auto_accept: bool
    number: int
    display_name_fa: str
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[ParticipantRole, str]] = ..., display_name: _Optional[str] = ..., bank_codes: _Optional[_Iterable[str]] = ..., ibans: _Optional[_Iterable[str]] = ..., net_debit_cap: _Optional[int] = ..., unit: _Optional[str] = ..., auto_accept: _Optional[bool] = ..., number: _Optional[int] = ..., display_name_fa: _Optional[str] = ...) -> None: ...

class PutParticipantsRequest(_message.Message):
    __slots__ = ("participants",)
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ...) -> None: ...

class PutParticipantsResponse(_message.Message):
    __slots__ = ("participants",)
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ...) -> None: ...

class ListParticipantsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListParticipantsResponse(_message.Message):
    __slots__ = ("participants",)
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[ParticipantPosition]
    def __init__(self, participants: _Optional[_Iterable[_Union[ParticipantPosition, _Mapping]]] = ...) -> None: ...

class ParticipantPosition(_message.Message):
    __slots__ = ("participant", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "settlement_balance")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    DEBITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    CREDITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    participant: Participant
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int
    settlement_balance: int
    def __init__(self, participant: _Optional[_Union[Participant, _Mapping]] = ..., debits_posted: _Optional[int] = ..., credits_posted: _Optional[int] = ..., debits_pending: _Optional[int] = ..., credits_pending: _Optional[int] = ..., settlement_balance: _Optional[int] = ...) -> None: ...

class FundParticipantRequest(_message.Message):
    __slots__ = ("id", "participant", "amount")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    participant: str
    amount: int
    def __init__(self, id: _Optional[bytes] = ..., participant: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class FundParticipantResponse(_message.Message):
    __slots__ = ("settlement_balance",)
    SETTLEMENT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    settlement_balance: int
    def __init__(self, settlement_balance: _Optional[int] = ...) -> None: ...
