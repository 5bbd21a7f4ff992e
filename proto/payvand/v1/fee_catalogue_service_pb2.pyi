from payvand.v1 import approval_service_pb2 as _approval_service_pb2
from payvand.v1 import rule_table_service_pb2 as _rule_table_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeeSchedule(_message.Message):
    __slots__ = ("number", "agency", "digest", "proposal", "periods")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    number: int
    agency: str
    digest: bytes
    proposal: _approval_service_pb2.Proposal
    periods: _containers.RepeatedCompositeFieldContainer[_rule_table_service_pb2.ForcePeriod]
    def __init__(self, number: _Optional[int] = ..., agency: _Optional[str] = ..., digest: _Optional[bytes] = ..., proposal: _Optional[_Union[_approval_service_pb2.Proposal, _Mapping]] = ..., periods: _Optional[_Iterable[_Union[_rule_table_service_pb2.ForcePeriod, _Mapping]]] = ...) -> None: ...

class ImportScheduleRequest(_message.Message):
    __slots__ = ("id", "text", "reason", "due_at", "expires_at", "check_only")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CHECK_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    text: str
    reason: str
    due_at: int
    expires_at: int
    check_only: bool
    def __init__(self, id: _Optional[bytes] = ..., text: _Optional[str] = ..., reason: _Optional[str] = ..., due_at: _Optional[int] = ..., expires_at: _Optional[int] = ..., check_only: _Optional[bool] = ...) -> None: ...

class ImportScheduleResponse(_message.Message):
    __slots__ = ("faults", "schedule")
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    faults: _containers.RepeatedCompositeFieldContainer[_rule_table_service_pb2.TableFault]
    schedule: FeeSchedule
    def __init__(self, faults: _Optional[_Iterable[_Union[_rule_table_service_pb2.TableFault, _Mapping]]] = ..., schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ...) -> None: ...

class ReviewScheduleRequest(_message.Message):
    __slots__ = ("number", "digest", "remark")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    number: int
    digest: str
    remark: str
    def __init__(self, number: _Optional[int] = ..., digest: _Optional[str] = ..., remark: _Optional[str] = ...) -> None: ...

class ReviewScheduleResponse(_message.Message):
    __slots__ = ("schedule",)
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    schedule: FeeSchedule
    def __init__(self, schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ...) -> None: ...

class ApproveScheduleRequest(_message.Message):
    __slots__ = ("number", "digest", "remark")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    number: int
    digest: str
    remark: str
    def __init__(self, number: _Optional[int] = ..., digest: _Optional[str] = ..., remark: _Optional[str] = ...) -> None: ...

class ApproveScheduleResponse(_message.Message):
    __slots__ = ("schedule",)
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    schedule: FeeSchedule
    def __init__(self, schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ...) -> None: ...

class RefuseScheduleRequest(_message.Message):
    __slots__ = ("number", "remark")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    number: int
    remark: str
    def __init__(self, number: _Optional[int] = ..., remark: _Optional[str] = ...) -> None: ...

class RefuseScheduleResponse(_message.Message):
    __slots__ = ("schedule",)
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    schedule: FeeSchedule
    def __init__(self, schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ...) -> None: ...

class CompareScheduleRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class CompareScheduleResponse(_message.Message):
    __slots__ = ("schedule", "in_force", "overtaken", "rows", "unrouted_ibans")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    OVERTAKEN_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    UNROUTED_IBANS_FIELD_NUMBER: _ClassVar[int]
    schedule: FeeSchedule
    in_force: int
    overtaken: bool
    rows: _containers.RepeatedCompositeFieldContainer[_rule_table_service_pb2.RowChange]
    unrouted_ibans: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ..., in_force: _Optional[int] = ..., overtaken: _Optional[bool] = ..., rows: _Optional[_Iterable[_Union[_rule_table_service_pb2.RowChange, _Mapping]]] = ..., unrouted_ibans: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSchedulesRequest(_message.Message):
    __slots__ = ("agency", "page_size", "before")
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    agency: str
    page_size: int
    before: int
    def __init__(self, agency: _Optional[str] = ..., page_size: _Optional[int] = ..., before: _Optional[int] = ...) -> None: ...

class ListSchedulesResponse(_message.Message):
    __slots__ = ("schedules",)
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    schedules: _containers.RepeatedCompositeFieldContainer[FeeSchedule]
    def __init__(self, schedules: _Optional[_Iterable[_Union[FeeSchedule, _Mapping]]] = ...) -> None: ...

class GetScheduleRequest(_message.Message):
    __slots__ = ("number", "agency", "at")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    number: int
    agency: str
    at: int
    def __init__(self, number: _Optional[int] = ..., agency: _Optional[str] = ..., at: _Optional[int] = ...) -> None: ...

class GetScheduleResponse(_message.Message):
    __slots__ = ("schedule", "text")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    schedule: FeeSchedule
    text: str
    def __init__(self, schedule: _Optional[_Union[FeeSchedule, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...
