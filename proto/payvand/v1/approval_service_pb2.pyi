from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProposalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPOSAL_STATE_UNSPECIFIED: _ClassVar[ProposalState]
    PROPOSAL_STATE_OPEN: _ClassVar[ProposalState]
    PROPOSAL_STATE_APPROVED: _ClassVar[ProposalState]
    PROPOSAL_STATE_REFUSED: _ClassVar[ProposalState]
    PROPOSAL_STATE_WITHDRAWN: _ClassVar[ProposalState]
    PROPOSAL_STATE_EXPIRED: _ClassVar[ProposalState]
    PROPOSAL_STATE_CANCELLED: _ClassVar[ProposalState]
    PROPOSAL_STATE_CARRIED_OUT: _ClassVar[ProposalState]
    PROPOSAL_STATE_FAILED: _ClassVar[ProposalState]
PROPOSAL_STATE_UNSPECIFIED: ProposalState
PROPOSAL_STATE_OPEN: ProposalState
PROPOSAL_STATE_APPROVED: ProposalState
PROPOSAL_STATE_REFUSED: ProposalState
PROPOSAL_STATE_WITHDRAWN: ProposalState
PROPOSAL_STATE_EXPIRED: ProposalState
PROPOSAL_STATE_CANCELLED: ProposalState
PROPOSAL_STATE_CARRIED_OUT: ProposalState
PROPOSAL_STATE_FAILED: ProposalState

class Proposal(_message.Message):
    __slots__ = ("id", "kind", "content", "digest", "reason", "proposer", "proposed_at", "expires_at", "due_at", "on_call", "state", "acts")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    ON_CALL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kind: str
    content: str
    digest: str
    reason: str
    proposer: str
    proposed_at: int
    expires_at: int
    due_at: int
    on_call: bool
    state: ProposalState
    acts: _containers.RepeatedCompositeFieldContainer[ProposalAct]
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[str] = ..., content: _Optional[str] = ..., digest: _Optional[str] = ..., reason: _Optional[str] = ..., proposer: _Optional[str] = ..., proposed_at: _Optional[int] = ..., expires_at: _Optional[int] = ..., due_at: _Optional[int] = ..., on_call: _Optional[bool] = ..., state: _Optional[_Union[ProposalState, str]] = ..., acts: _Optional[_Iterable[_Union[ProposalAct, _Mapping]]] = ...) -> None: ...

class ProposalAct(_message.Message):
    __slots__ = ("act", "operator", "at", "sequence", "remark")
    ACT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    act: str
    operator: str
    at: int
    sequence: int
    remark: str
    def __init__(self, act: _Optional[str] = ..., operator: _Optional[str] = ..., at: _Optional[int] = ..., sequence: _Optional[int] = ..., remark: _Optional[str] = ...) -> None: ...

class ProposeRequest(_message.Message):
    __slots__ = ("id", "kind", "content", "reason", "due_at", "on_call", "expires_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    ON_CALL_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    kind: str
    content: str
    reason: str
    due_at: int
    on_call: bool
    expires_at: int
    def __init__(self, id: _Optional[bytes] = ..., kind: _Optional[str] = ..., content: _Optional[str] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ..., on_call: _Optional[bool] = ..., expires_at: _Optional[int] = ...) -> None: ...

class ProposeResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class ApproveRequest(_message.Message):
    __slots__ = ("id", "digest", "remark")
    ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    digest: str
    remark: str
    def __init__(self, id: _Optional[bytes] = ..., digest: _Optional[str] = ..., remark: _Optional[str] = ...) -> None: ...

class ApproveResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class RefuseRequest(_message.Message):
    __slots__ = ("id", "remark")
    ID_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    remark: str
    def __init__(self, id: _Optional[bytes] = ..., remark: _Optional[str] = ...) -> None: ...

class RefuseResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class ScheduleRequest(_message.Message):
    __slots__ = ("id", "due_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    due_at: int
    def __init__(self, id: _Optional[bytes] = ..., due_at: _Optional[int] = ...) -> None: ...

class ScheduleResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("id", "remark")
    ID_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    remark: str
    def __init__(self, id: _Optional[bytes] = ..., remark: _Optional[str] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class GetProposalRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class GetProposalResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: Proposal
    def __init__(self, proposal: _Optional[_Union[Proposal, _Mapping]] = ...) -> None: ...

class ListProposalsRequest(_message.Message):
    __slots__ = ("state", "kind", "page_size", "page")
    STATE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    state: ProposalState
    kind: str
    page_size: int
    page: str
    def __init__(self, state: _Optional[_Union[ProposalState, str]] = ..., kind: _Optional[str] = ..., page_size: _Optional[int] = ..., page: _Optional[str] = ...) -> None: ...

class ListProposalsResponse(_message.Message):
    __slots__ = ("proposals", "next_page")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[Proposal]
    next_page: str
    def __init__(self, proposals: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., next_page: _Optional[str] = ...) -> None: ...
