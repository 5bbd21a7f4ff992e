from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Report(_message.Message):
    __slots__ = ("name", "definition", "saved_by", "written_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    SAVED_BY_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    definition: str
    saved_by: str
    written_at: str
    def __init__(self, name: _Optional[str] = ..., definition: _Optional[str] = ..., saved_by: _Optional[str] = ..., written_at: _Optional[str] = ...) -> None: ...

class ListReportsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListReportsResponse(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    def __init__(self, reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ...) -> None: ...

class RunReportRequest(_message.Message):
    __slots__ = ("name", "day", "window", "participant")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    name: str
    day: str
    window: int
    participant: str
    def __init__(self, name: _Optional[str] = ..., day: _Optional[str] = ..., window: _Optional[int] = ..., participant: _Optional[str] = ...) -> None: ...

class RunReportResponse(_message.Message):
    __slots__ = ("report", "day", "window", "participant", "sequence", "stands_at", "rows", "truncated")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STANDS_AT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    report: Report
    day: str
    window: int
    participant: str
    sequence: int
    stands_at: int
    rows: _containers.RepeatedCompositeFieldContainer[ReportRow]
    truncated: bool
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ..., day: _Optional[str] = ..., window: _Optional[int] = ..., participant: _Optional[str] = ..., sequence: _Optional[int] = ..., stands_at: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[ReportRow, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...

class ReportRow(_message.Message):
    __slots__ = ("cells",)
    CELLS_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedCompositeFieldContainer[ReportCell]
    def __init__(self, cells: _Optional[_Iterable[_Union[ReportCell, _Mapping]]] = ...) -> None: ...

class ReportCell(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class SaveReportRequest(_message.Message):
    __slots__ = ("name", "definition")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    definition: str
    def __init__(self, name: _Optional[str] = ..., definition: _Optional[str] = ...) -> None: ...

class SaveReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class RemoveReportRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RemoveReportResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ScheduleReportRequest(_message.Message):
    __slots__ = ("name", "written_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    written_at: str
    def __init__(self, name: _Optional[str] = ..., written_at: _Optional[str] = ...) -> None: ...

class ScheduleReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...
