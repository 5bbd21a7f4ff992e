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
    __slots__ = ("name", "role", "display_name", "bank_codes", "ibans", "net_debit_cap", "unit", "auto_accept", "number")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    BANK_CODES_FIELD_NUMBER: _ClassVar[int]
    IBANS_FIELD_NUMBER: _ClassVar[int]
    NET_DEBIT_CAP_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    AUTO_ACCEPT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: ParticipantRole
    display_name: str
    bank_codes: _containers.RepeatedScalarFieldContainer[str]
    ibans: _containers.RepeatedScalarFieldContainer[str]
    net_debit_cap: int
    unit: str
    auto_accept: bool
    number: int
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[ParticipantRole, str]] = ..., display_name: _Optional[str] = ..., bank_codes: _Optional[_Iterable[str]] = ..., ibans: _Optional[_Iterable[str]] = ..., net_debit_cap: _Optional[int] = ..., unit: _Optional[str] = ..., auto_accept: _Optional[bool] = ..., number: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("number", "closed_sequence", "closed_at", "positions")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CLOSED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    number: int
    closed_sequence: int
    closed_at: int
    positions: _containers.RepeatedCompositeFieldContainer[NetPosition]
    def __init__(self, number: _Optional[int] = ..., closed_sequence: _Optional[int] = ..., closed_at: _Optional[int] = ..., positions: _Optional[_Iterable[_Union[NetPosition, _Mapping]]] = ...) -> None: ...

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

class GetStatementRequest(_message.Message):
    __slots__ = ("participant", "window", "page_size", "page")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    participant: str
    window: int
    page_size: int
    page: str
    def __init__(self, participant: _Optional[str] = ..., window: _Optional[int] = ..., page_size: _Optional[int] = ..., page: _Optional[str] = ...) -> None: ...

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

class GetTotalsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTotalsResponse(_message.Message):
    __slots__ = ("ledger", "database")
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    DATABASE_FIELD_NUMBER: _ClassVar[int]
    ledger: Totals
    database: Totals
    def __init__(self, ledger: _Optional[_Union[Totals, _Mapping]] = ..., database: _Optional[_Union[Totals, _Mapping]] = ...) -> None: ...

class Totals(_message.Message):
    __slots__ = ("sequence", "payments", "debits_posted", "credits_posted", "debits_pending", "credits_pending")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    DEBITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    CREDITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    payments: _containers.RepeatedCompositeFieldContainer[StateCount]
    debits_posted: str
    credits_posted: str
    debits_pending: str
    credits_pending: str
    def __init__(self, sequence: _Optional[int] = ..., payments: _Optional[_Iterable[_Union[StateCount, _Mapping]]] = ..., debits_posted: _Optional[str] = ..., credits_posted: _Optional[str] = ..., debits_pending: _Optional[str] = ..., credits_pending: _Optional[str] = ...) -> None: ...

class StateCount(_message.Message):
    __slots__ = ("state", "count", "amount")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    state: str
    count: int
    amount: str
    def __init__(self, state: _Optional[str] = ..., count: _Optional[int] = ..., amount: _Optional[str] = ...) -> None: ...
