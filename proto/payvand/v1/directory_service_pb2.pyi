from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AliasKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALIAS_KIND_UNSPECIFIED: _ClassVar[AliasKind]
    ALIAS_KIND_MOBILE: _ClassVar[AliasKind]
    ALIAS_KIND_NATIONAL_ID: _ClassVar[AliasKind]
    ALIAS_KIND_LEGAL_ID: _ClassVar[AliasKind]
    ALIAS_KIND_CARD: _ClassVar[AliasKind]
    ALIAS_KIND_IBAN: _ClassVar[AliasKind]

class ClaimKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_KIND_UNSPECIFIED: _ClassVar[ClaimKind]
    CLAIM_KIND_PORTABILITY: _ClassVar[ClaimKind]
    CLAIM_KIND_OWNERSHIP: _ClassVar[ClaimKind]

class ClaimState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_STATE_UNSPECIFIED: _ClassVar[ClaimState]
    CLAIM_STATE_WAITING: _ClassVar[ClaimState]
    CLAIM_STATE_CONFIRMED: _ClassVar[ClaimState]
    CLAIM_STATE_COMPLETED: _ClassVar[ClaimState]
    CLAIM_STATE_CANCELLED: _ClassVar[ClaimState]
ALIAS_KIND_UNSPECIFIED: AliasKind
ALIAS_KIND_MOBILE: AliasKind
ALIAS_KIND_NATIONAL_ID: AliasKind
ALIAS_KIND_LEGAL_ID: AliasKind
ALIAS_KIND_CARD: AliasKind
ALIAS_KIND_IBAN: AliasKind
CLAIM_KIND_UNSPECIFIED: ClaimKind
CLAIM_KIND_PORTABILITY: ClaimKind
CLAIM_KIND_OWNERSHIP: ClaimKind
CLAIM_STATE_UNSPECIFIED: ClaimState
CLAIM_STATE_WAITING: ClaimState
CLAIM_STATE_CONFIRMED: ClaimState
CLAIM_STATE_COMPLETED: ClaimState
CLAIM_STATE_CANCELLED: ClaimState

class Alias(_message.Message):
    __slots__ = ("kind", "value")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    kind: AliasKind
    value: str
    def __init__(self, kind: _Optional[_Union[AliasKind, str]] = ..., value: _Optional[str] = ...) -> None: ...

class LookUpRequest(_message.Message):
    __slots__ = ("aliases",)
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedCompositeFieldContainer[Alias]
    def __init__(self, aliases: _Optional[_Iterable[_Union[Alias, _Mapping]]] = ...) -> None: ...

class LookUpResponse(_message.Message):
    __slots__ = ("payees", "refusals")
    PAYEES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    payees: _containers.RepeatedCompositeFieldContainer[Payee]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    def __init__(self, payees: _Optional[_Iterable[_Union[Payee, _Mapping]]] = ..., refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ...) -> None: ...

class Payee(_message.Message):
    __slots__ = ("iban", "bank", "masked_name")
    IBAN_FIELD_NUMBER: _ClassVar[int]
    BANK_FIELD_NUMBER: _ClassVar[int]
    MASKED_NAME_FIELD_NUMBER: _ClassVar[int]
    iban: str
    bank: str
    masked_name: str
    def __init__(self, iban: _Optional[str] = ..., bank: _Optional[str] = ..., masked_name: _Optional[str] = ...) -> None: ...

class Registration(_message.Message):
    __slots__ = ("alias", "iban", "name")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    IBAN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    alias: Alias
    iban: str
    name: str
    def __init__(self, alias: _Optional[_Union[Alias, _Mapping]] = ..., iban: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class RegisterAliasesRequest(_message.Message):
    __slots__ = ("registrations",)
    REGISTRATIONS_FIELD_NUMBER: _ClassVar[int]
    registrations: _containers.RepeatedCompositeFieldContainer[Registration]
    def __init__(self, registrations: _Optional[_Iterable[_Union[Registration, _Mapping]]] = ...) -> None: ...

class RegisterAliasesResponse(_message.Message):
    __slots__ = ("refusals",)
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    def __init__(self, refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ...) -> None: ...

class RemoveAliasesRequest(_message.Message):
    __slots__ = ("aliases",)
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedCompositeFieldContainer[Alias]
    def __init__(self, aliases: _Optional[_Iterable[_Union[Alias, _Mapping]]] = ...) -> None: ...

class RemoveAliasesResponse(_message.Message):
    __slots__ = ("refusals",)
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    refusals: _containers.RepeatedCompositeFieldContainer[_payment_pb2.Refusal]
    def __init__(self, refusals: _Optional[_Iterable[_Union[_payment_pb2.Refusal, _Mapping]]] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("id", "kind", "alias", "donor", "claimant", "state", "opened_at", "answer_by", "complete_by", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DONOR_FIELD_NUMBER: _ClassVar[int]
    CLAIMANT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_BY_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kind: ClaimKind
    alias: Alias
    donor: str
    claimant: str
    state: ClaimState
    opened_at: int
    answer_by: int
    complete_by: int
    reason: str
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[_Union[ClaimKind, str]] = ..., alias: _Optional[_Union[Alias, _Mapping]] = ..., donor: _Optional[str] = ..., claimant: _Optional[str] = ..., state: _Optional[_Union[ClaimState, str]] = ..., opened_at: _Optional[int] = ..., answer_by: _Optional[int] = ..., complete_by: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class OpenClaimRequest(_message.Message):
    __slots__ = ("id", "kind", "alias")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kind: ClaimKind
    alias: Alias
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[_Union[ClaimKind, str]] = ..., alias: _Optional[_Union[Alias, _Mapping]] = ...) -> None: ...

class OpenClaimResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...

class ConfirmClaimRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class ConfirmClaimResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...

class CompleteClaimRequest(_message.Message):
    __slots__ = ("id", "iban", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    IBAN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    iban: str
    name: str
    def __init__(self, id: _Optional[bytes] = ..., iban: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class CompleteClaimResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...

class CancelClaimRequest(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    reason: str
    def __init__(self, id: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelClaimResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...

class ListClaimsRequest(_message.Message):
    __slots__ = ("ended", "page_size", "page")
    ENDED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    ended: bool
    page_size: int
    page: str
    def __init__(self, ended: _Optional[bool] = ..., page_size: _Optional[int] = ..., page: _Optional[str] = ...) -> None: ...

class ListClaimsResponse(_message.Message):
    __slots__ = ("claims", "next_page")
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_FIELD_NUMBER: _ClassVar[int]
    claims: _containers.RepeatedCompositeFieldContainer[Claim]
    next_page: str
    def __init__(self, claims: _Optional[_Iterable[_Union[Claim, _Mapping]]] = ..., next_page: _Optional[str] = ...) -> None: ...

class GetNodesRequest(_message.Message):
    __slots__ = ("level", "indexes")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    INDEXES_FIELD_NUMBER: _ClassVar[int]
    level: int
    indexes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, level: _Optional[int] = ..., indexes: _Optional[_Iterable[int]] = ...) -> None: ...

class GetNodesResponse(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("count", "sum")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    count: int
    sum: bytes
    def __init__(self, count: _Optional[int] = ..., sum: _Optional[bytes] = ...) -> None: ...

class CompareLeafRequest(_message.Message):
    __slots__ = ("index", "digests")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    index: int
    digests: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, index: _Optional[int] = ..., digests: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CompareLeafResponse(_message.Message):
    __slots__ = ("entries", "unknown")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[LeafEntry]
    unknown: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, entries: _Optional[_Iterable[_Union[LeafEntry, _Mapping]]] = ..., unknown: _Optional[_Iterable[int]] = ...) -> None: ...

class LeafEntry(_message.Message):
    __slots__ = ("key", "digest")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    digest: bytes
    def __init__(self, key: _Optional[bytes] = ..., digest: _Optional[bytes] = ...) -> None: ...
