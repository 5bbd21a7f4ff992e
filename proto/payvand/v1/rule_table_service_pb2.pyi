from payvand.v1 import approval_service_pb2 as _approval_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RowChangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROW_CHANGE_KIND_UNSPECIFIED: _ClassVar[RowChangeKind]
    ROW_CHANGE_KIND_ADDED: _ClassVar[RowChangeKind]
    ROW_CHANGE_KIND_REMOVED: _ClassVar[RowChangeKind]
    ROW_CHANGE_KIND_CHANGED: _ClassVar[RowChangeKind]
ROW_CHANGE_KIND_UNSPECIFIED: RowChangeKind
ROW_CHANGE_KIND_ADDED: RowChangeKind
ROW_CHANGE_KIND_REMOVED: RowChangeKind
ROW_CHANGE_KIND_CHANGED: RowChangeKind

class RuleTableVersion(_message.Message):
    __slots__ = ("number", "table", "digest", "restores", "proposal", "periods")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RESTORES_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    number: int
    table: str
    digest: bytes
    restores: int
    proposal: _approval_service_pb2.Proposal
    periods: _containers.RepeatedCompositeFieldContainer[ForcePeriod]
    def __init__(self, number: _Optional[int] = ..., table: _Optional[str] = ..., digest: _Optional[bytes] = ..., restores: _Optional[int] = ..., proposal: _Optional[_Union[_approval_service_pb2.Proposal, _Mapping]] = ..., periods: _Optional[_Iterable[_Union[ForcePeriod, _Mapping]]] = ...) -> None: ...

class ForcePeriod(_message.Message):
    __slots__ = ("since", "until", "sequence")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    since: int
    until: int
    sequence: int
    def __init__(self, since: _Optional[int] = ..., until: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class TableFault(_message.Message):
    __slots__ = ("line", "path", "rule", "hint")
    LINE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    line: int
    path: str
    rule: str
    hint: str
    def __init__(self, line: _Optional[int] = ..., path: _Optional[str] = ..., rule: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class ImportTableRequest(_message.Message):
    __slots__ = ("id", "table", "text", "reason", "due_at", "on_call", "expires_at", "check_only")
    ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    ON_CALL_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CHECK_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    table: str
    text: str
    reason: str
    due_at: int
    on_call: bool
    expires_at: int
    check_only: bool
    def __init__(self, id: _Optional[bytes] = ..., table: _Optional[str] = ..., text: _Optional[str] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ..., on_call: _Optional[bool] = ..., expires_at: _Optional[int] = ..., check_only: _Optional[bool] = ...) -> None: ...

class ImportTableResponse(_message.Message):
    __slots__ = ("faults", "version")
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    faults: _containers.RepeatedCompositeFieldContainer[TableFault]
    version: RuleTableVersion
    def __init__(self, faults: _Optional[_Iterable[_Union[TableFault, _Mapping]]] = ..., version: _Optional[_Union[RuleTableVersion, _Mapping]] = ...) -> None: ...

class RestoreVersionRequest(_message.Message):
    __slots__ = ("id", "table", "number", "reason", "due_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    table: str
    number: int
    reason: str
    due_at: int
    def __init__(self, id: _Optional[bytes] = ..., table: _Optional[str] = ..., number: _Optional[int] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ...) -> None: ...

class RestoreVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: RuleTableVersion
    def __init__(self, version: _Optional[_Union[RuleTableVersion, _Mapping]] = ...) -> None: ...

class CompareVersionRequest(_message.Message):
    __slots__ = ("number", "at")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    number: int
    at: int
    def __init__(self, number: _Optional[int] = ..., at: _Optional[int] = ...) -> None: ...

class CompareVersionResponse(_message.Message):
    __slots__ = ("version", "in_force", "rows", "at", "routes", "payments_seen", "open_payments_seen", "shifts", "moves", "overtaken", "overtakes", "settlement")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_SEEN_FIELD_NUMBER: _ClassVar[int]
    OPEN_PAYMENTS_SEEN_FIELD_NUMBER: _ClassVar[int]
    SHIFTS_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    OVERTAKEN_FIELD_NUMBER: _ClassVar[int]
    OVERTAKES_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    version: RuleTableVersion
    in_force: int
    rows: _containers.RepeatedCompositeFieldContainer[RowChange]
    at: int
    routes: _containers.RepeatedCompositeFieldContainer[RouteChange]
    payments_seen: int
    open_payments_seen: int
    shifts: _containers.RepeatedCompositeFieldContainer[TrafficShift]
    moves: _containers.RepeatedCompositeFieldContainer[PlanMove]
    overtaken: bool
    overtakes: _containers.RepeatedScalarFieldContainer[int]
    settlement: SettlementMove
    def __init__(self, version: _Optional[_Union[RuleTableVersion, _Mapping]] = ..., in_force: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[RowChange, _Mapping]]] = ..., at: _Optional[int] = ..., routes: _Optional[_Iterable[_Union[RouteChange, _Mapping]]] = ..., payments_seen: _Optional[int] = ..., open_payments_seen: _Optional[int] = ..., shifts: _Optional[_Iterable[_Union[TrafficShift, _Mapping]]] = ..., moves: _Optional[_Iterable[_Union[PlanMove, _Mapping]]] = ..., overtaken: _Optional[bool] = ..., overtakes: _Optional[_Iterable[int]] = ..., settlement: _Optional[_Union[SettlementMove, _Mapping]] = ...) -> None: ...

class RowChange(_message.Message):
    __slots__ = ("row", "kind", "fields")
    ROW_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    row: str
    kind: RowChangeKind
    fields: _containers.RepeatedCompositeFieldContainer[FieldChange]
    def __init__(self, row: _Optional[str] = ..., kind: _Optional[_Union[RowChangeKind, str]] = ..., fields: _Optional[_Iterable[_Union[FieldChange, _Mapping]]] = ...) -> None: ...

class FieldChange(_message.Message):
    __slots__ = ("field", "before", "after")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    field: str
    before: str
    after: str
    def __init__(self, field: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class SettlementMove(_message.Message):
    __slots__ = ("window", "rail", "amount", "before", "after")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    RAIL_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    window: int
    rail: str
    amount: str
    before: int
    after: int
    def __init__(self, window: _Optional[int] = ..., rail: _Optional[str] = ..., amount: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ...) -> None: ...

class RouteChange(_message.Message):
    __slots__ = ("bank_code", "before", "after")
    BANK_CODE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    bank_code: str
    before: str
    after: str
    def __init__(self, bank_code: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class TrafficShift(_message.Message):
    __slots__ = ("what", "before", "after", "payments", "amount", "open_payments")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    what: str
    before: str
    after: str
    payments: int
    amount: str
    open_payments: int
    def __init__(self, what: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., payments: _Optional[int] = ..., amount: _Optional[str] = ..., open_payments: _Optional[int] = ...) -> None: ...

class PlanMove(_message.Message):
    __slots__ = ("rail", "before", "after")
    RAIL_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    rail: str
    before: int
    after: int
    def __init__(self, rail: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ("table", "page_size", "before")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    table: str
    page_size: int
    before: int
    def __init__(self, table: _Optional[str] = ..., page_size: _Optional[int] = ..., before: _Optional[int] = ...) -> None: ...

class ListVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[RuleTableVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[RuleTableVersion, _Mapping]]] = ...) -> None: ...

class GetVersionRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class GetVersionResponse(_message.Message):
    __slots__ = ("version", "text")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    version: RuleTableVersion
    text: str
    def __init__(self, version: _Optional[_Union[RuleTableVersion, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...

class GetRulebookRequest(_message.Message):
    __slots__ = ("at",)
    AT_FIELD_NUMBER: _ClassVar[int]
    at: int
    def __init__(self, at: _Optional[int] = ...) -> None: ...

class GetRulebookResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableInForce]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableInForce, _Mapping]]] = ...) -> None: ...

class TableInForce(_message.Message):
    __slots__ = ("number", "table", "since", "text")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    number: int
    table: str
    since: int
    text: str
    def __init__(self, number: _Optional[int] = ..., table: _Optional[str] = ..., since: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...
