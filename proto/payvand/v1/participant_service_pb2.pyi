from payvand.v1 import approval_service_pb2 as _approval_service_pb2
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
    PARTICIPANT_ROLE_CENTRAL_BANK: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_OPERATOR: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_AUDITOR: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_AGENCY_CLERK: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_AGENCY_APPROVER: _ClassVar[ParticipantRole]
    PARTICIPANT_ROLE_TREASURY: _ClassVar[ParticipantRole]

class ParticipantState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTICIPANT_STATE_UNSPECIFIED: _ClassVar[ParticipantState]
    PARTICIPANT_STATE_ACTIVE: _ClassVar[ParticipantState]
    PARTICIPANT_STATE_SUSPENDED: _ClassVar[ParticipantState]
    PARTICIPANT_STATE_CLOSED: _ClassVar[ParticipantState]

class AccountPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_PURPOSE_UNSPECIFIED: _ClassVar[AccountPurpose]
    ACCOUNT_PURPOSE_POSITION: _ClassVar[AccountPurpose]
    ACCOUNT_PURPOSE_SETTLEMENT: _ClassVar[AccountPurpose]
    ACCOUNT_PURPOSE_FEE: _ClassVar[AccountPurpose]
    ACCOUNT_PURPOSE_COLLATERAL: _ClassVar[AccountPurpose]
    ACCOUNT_PURPOSE_COLLECTION: _ClassVar[AccountPurpose]
PARTICIPANT_ROLE_UNSPECIFIED: ParticipantRole
PARTICIPANT_ROLE_BANK: ParticipantRole
PARTICIPANT_ROLE_AGENCY: ParticipantRole
PARTICIPANT_ROLE_CENTRAL_BANK: ParticipantRole
PARTICIPANT_ROLE_OPERATOR: ParticipantRole
PARTICIPANT_ROLE_AUDITOR: ParticipantRole
PARTICIPANT_ROLE_AGENCY_CLERK: ParticipantRole
PARTICIPANT_ROLE_AGENCY_APPROVER: ParticipantRole
PARTICIPANT_ROLE_TREASURY: ParticipantRole
PARTICIPANT_STATE_UNSPECIFIED: ParticipantState
PARTICIPANT_STATE_ACTIVE: ParticipantState
PARTICIPANT_STATE_SUSPENDED: ParticipantState
PARTICIPANT_STATE_CLOSED: ParticipantState
ACCOUNT_PURPOSE_UNSPECIFIED: AccountPurpose
ACCOUNT_PURPOSE_POSITION: AccountPurpose
ACCOUNT_PURPOSE_SETTLEMENT: AccountPurpose
ACCOUNT_PURPOSE_FEE: AccountPurpose
ACCOUNT_PURPOSE_COLLATERAL: AccountPurpose
ACCOUNT_PURPOSE_COLLECTION: AccountPurpose

class ParticipantContact(_message.Message):
    __slots__ = ("purpose", "name", "phone", "email")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    name: str
    phone: str
    email: str
    def __init__(self, purpose: _Optional[str] = ..., name: _Optional[str] = ..., phone: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class ParticipantCertificate(_message.Message):
    __slots__ = ("fingerprint", "serial", "not_before", "not_after", "pem")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    PEM_FIELD_NUMBER: _ClassVar[int]
    fingerprint: bytes
    serial: str
    not_before: int
    not_after: int
    pem: str
    def __init__(self, fingerprint: _Optional[bytes] = ..., serial: _Optional[str] = ..., not_before: _Optional[int] = ..., not_after: _Optional[int] = ..., pem: _Optional[str] = ...) -> None: ...

class ParticipantAccount(_message.Message):
    __slots__ = ("purpose", "id", "unit", "debits_posted", "credits_posted")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    purpose: AccountPurpose
    id: int
    unit: str
    debits_posted: str
    credits_posted: str
    def __init__(self, purpose: _Optional[_Union[AccountPurpose, str]] = ..., id: _Optional[int] = ..., unit: _Optional[str] = ..., debits_posted: _Optional[str] = ..., credits_posted: _Optional[str] = ...) -> None: ...

class Participant(_message.Message):
    __slots__ = ("name", "role", "display_name", "bank_codes", "ibans", "net_debit_cap", "unit", "auto_accept", "number", "display_name_fa", "contacts", "sending", "receiving", "certificates", "signing_keys", "signature_required", "payments_per_second")
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
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    SENDING_FIELD_NUMBER: _ClassVar[int]
    RECEIVING_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEYS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
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
    contacts: _containers.RepeatedCompositeFieldContainer[ParticipantContact]
    sending: ParticipantState
    receiving: ParticipantState
    certificates: _containers.RepeatedCompositeFieldContainer[ParticipantCertificate]
    signing_keys: _containers.RepeatedScalarFieldContainer[bytes]
    signature_required: bool
    payments_per_second: int
    def __init__(self, name: _Optional[str] = ..., role: _Optional[_Union[ParticipantRole, str]] = ..., display_name: _Optional[str] = ..., bank_codes: _Optional[_Iterable[str]] = ..., ibans: _Optional[_Iterable[str]] = ..., net_debit_cap: _Optional[int] = ..., unit: _Optional[str] = ..., auto_accept: _Optional[bool] = ..., number: _Optional[int] = ..., display_name_fa: _Optional[str] = ..., contacts: _Optional[_Iterable[_Union[ParticipantContact, _Mapping]]] = ..., sending: _Optional[_Union[ParticipantState, str]] = ..., receiving: _Optional[_Union[ParticipantState, str]] = ..., certificates: _Optional[_Iterable[_Union[ParticipantCertificate, _Mapping]]] = ..., signing_keys: _Optional[_Iterable[bytes]] = ..., signature_required: _Optional[bool] = ..., payments_per_second: _Optional[int] = ...) -> None: ...

class PutParticipantsRequest(_message.Message):
    __slots__ = ("participants", "id", "reason", "due_at")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    id: bytes
    reason: str
    due_at: int
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., id: _Optional[bytes] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ...) -> None: ...

class PutParticipantsResponse(_message.Message):
    __slots__ = ("participants", "proposal", "warnings")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    proposal: _approval_service_pb2.Proposal
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., proposal: _Optional[_Union[_approval_service_pb2.Proposal, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ListParticipantsRequest(_message.Message):
    __slots__ = ("everybody",)
    EVERYBODY_FIELD_NUMBER: _ClassVar[int]
    everybody: bool
    def __init__(self, everybody: _Optional[bool] = ...) -> None: ...

class ListParticipantsResponse(_message.Message):
    __slots__ = ("participants",)
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[ParticipantPosition]
    def __init__(self, participants: _Optional[_Iterable[_Union[ParticipantPosition, _Mapping]]] = ...) -> None: ...

class ParticipantPosition(_message.Message):
    __slots__ = ("participant", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "settlement_balance", "accounts")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    DEBITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    CREDITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    participant: Participant
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int
    settlement_balance: int
    accounts: _containers.RepeatedCompositeFieldContainer[ParticipantAccount]
    def __init__(self, participant: _Optional[_Union[Participant, _Mapping]] = ..., debits_posted: _Optional[int] = ..., credits_posted: _Optional[int] = ..., debits_pending: _Optional[int] = ..., credits_pending: _Optional[int] = ..., settlement_balance: _Optional[int] = ..., accounts: _Optional[_Iterable[_Union[ParticipantAccount, _Mapping]]] = ...) -> None: ...

class FundParticipantRequest(_message.Message):
    __slots__ = ("id", "participant", "amount", "reason", "due_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    participant: str
    amount: int
    reason: str
    due_at: int
    def __init__(self, id: _Optional[bytes] = ..., participant: _Optional[str] = ..., amount: _Optional[int] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ...) -> None: ...

class FundParticipantResponse(_message.Message):
    __slots__ = ("settlement_balance", "proposal")
    SETTLEMENT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    settlement_balance: int
    proposal: _approval_service_pb2.Proposal
    def __init__(self, settlement_balance: _Optional[int] = ..., proposal: _Optional[_Union[_approval_service_pb2.Proposal, _Mapping]] = ...) -> None: ...

class ListParticipantVersionsRequest(_message.Message):
    __slots__ = ("participant", "at", "page_size", "before")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    participant: str
    at: int
    page_size: int
    before: int
    def __init__(self, participant: _Optional[str] = ..., at: _Optional[int] = ..., page_size: _Optional[int] = ..., before: _Optional[int] = ...) -> None: ...

class ListParticipantVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[ParticipantVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[ParticipantVersion, _Mapping]]] = ...) -> None: ...

class ParticipantVersion(_message.Message):
    __slots__ = ("number", "since", "proposal", "content")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    number: int
    since: int
    proposal: bytes
    content: str
    def __init__(self, number: _Optional[int] = ..., since: _Optional[int] = ..., proposal: _Optional[bytes] = ..., content: _Optional[str] = ...) -> None: ...
