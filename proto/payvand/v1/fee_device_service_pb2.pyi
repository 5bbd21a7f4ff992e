from payvand.v1 import bill_pb2 as _bill_pb2
from payvand.v1 import fee_assessment_service_pb2 as _fee_assessment_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChargeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHARGE_STATE_UNSPECIFIED: _ClassVar[ChargeState]
    CHARGE_STATE_TAKEN: _ClassVar[ChargeState]
    CHARGE_STATE_REPEATED: _ClassVar[ChargeState]
    CHARGE_STATE_REFUSED: _ClassVar[ChargeState]
CHARGE_STATE_UNSPECIFIED: ChargeState
CHARGE_STATE_TAKEN: ChargeState
CHARGE_STATE_REPEATED: ChargeState
CHARGE_STATE_REFUSED: ChargeState

class CounterRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class FeeDevice(_message.Message):
    __slots__ = ("name", "public_key", "service", "enrolled_by", "enrolled_at", "revoked_at", "counter_max", "charges", "missing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_BY_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_AT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    COUNTER_MAX_FIELD_NUMBER: _ClassVar[int]
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    name: str
    public_key: bytes
    service: str
    enrolled_by: str
    enrolled_at: int
    revoked_at: int
    counter_max: int
    charges: int
    missing: _containers.RepeatedCompositeFieldContainer[CounterRange]
    def __init__(self, name: _Optional[str] = ..., public_key: _Optional[bytes] = ..., service: _Optional[str] = ..., enrolled_by: _Optional[str] = ..., enrolled_at: _Optional[int] = ..., revoked_at: _Optional[int] = ..., counter_max: _Optional[int] = ..., charges: _Optional[int] = ..., missing: _Optional[_Iterable[_Union[CounterRange, _Mapping]]] = ...) -> None: ...

class EnrolDevicesRequest(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[FeeDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[FeeDevice, _Mapping]]] = ...) -> None: ...

class EnrolDevicesResponse(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[FeeDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[FeeDevice, _Mapping]]] = ...) -> None: ...

class RevokeDeviceRequest(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RevokeDeviceResponse(_message.Message):
    __slots__ = ("device",)
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    device: FeeDevice
    def __init__(self, device: _Optional[_Union[FeeDevice, _Mapping]] = ...) -> None: ...

class ListDevicesRequest(_message.Message):
    __slots__ = ("agency", "after")
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    agency: str
    after: str
    def __init__(self, agency: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class ListDevicesResponse(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[FeeDevice]
    def __init__(self, devices: _Optional[_Iterable[_Union[FeeDevice, _Mapping]]] = ...) -> None: ...

class DeviceCharge(_message.Message):
    __slots__ = ("counter", "at", "subject", "payer_id", "facts")
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAYER_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    counter: int
    at: int
    subject: _bill_pb2.BillSubject
    payer_id: str
    facts: _containers.RepeatedCompositeFieldContainer[_fee_assessment_service_pb2.FeeFact]
    def __init__(self, counter: _Optional[int] = ..., at: _Optional[int] = ..., subject: _Optional[_Union[_bill_pb2.BillSubject, _Mapping]] = ..., payer_id: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[_fee_assessment_service_pb2.FeeFact, _Mapping]]] = ...) -> None: ...

class ChargeBatch(_message.Message):
    __slots__ = ("agency", "device", "charges")
    AGENCY_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    agency: str
    device: str
    charges: _containers.RepeatedCompositeFieldContainer[DeviceCharge]
    def __init__(self, agency: _Optional[str] = ..., device: _Optional[str] = ..., charges: _Optional[_Iterable[_Union[DeviceCharge, _Mapping]]] = ...) -> None: ...

class SignedCharges(_message.Message):
    __slots__ = ("batch", "signature")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    batch: bytes
    signature: bytes
    def __init__(self, batch: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class BringChargesRequest(_message.Message):
    __slots__ = ("batches",)
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedCompositeFieldContainer[SignedCharges]
    def __init__(self, batches: _Optional[_Iterable[_Union[SignedCharges, _Mapping]]] = ...) -> None: ...

class ChargeResult(_message.Message):
    __slots__ = ("device", "counter", "state", "bill", "field", "rule", "hint")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BILL_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    device: str
    counter: int
    state: ChargeState
    bill: str
    field: str
    rule: str
    hint: str
    def __init__(self, device: _Optional[str] = ..., counter: _Optional[int] = ..., state: _Optional[_Union[ChargeState, str]] = ..., bill: _Optional[str] = ..., field: _Optional[str] = ..., rule: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class BringChargesResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ChargeResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ChargeResult, _Mapping]]] = ...) -> None: ...
