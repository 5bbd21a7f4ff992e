from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateReturnRequest(_message.Message):
    __slots__ = ("original_id", "number", "amount", "reason_code", "debtor_iban", "creditor_iban", "remittance")
    ORIGINAL_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    CREDITOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    REMITTANCE_FIELD_NUMBER: _ClassVar[int]
    original_id: bytes
    number: int
    amount: int
    reason_code: str
    debtor_iban: str
    creditor_iban: str
    remittance: str
    def __init__(self, original_id: _Optional[bytes] = ..., number: _Optional[int] = ..., amount: _Optional[int] = ..., reason_code: _Optional[str] = ..., debtor_iban: _Optional[str] = ..., creditor_iban: _Optional[str] = ..., remittance: _Optional[str] = ...) -> None: ...

class CreateReturnResponse(_message.Message):
    __slots__ = ("id", "state", "reason", "returned")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    state: _payment_pb2.PaymentState
    reason: _payment_pb2.Reason
    returned: int
    def __init__(self, id: _Optional[bytes] = ..., state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ..., reason: _Optional[_Union[_payment_pb2.Reason, _Mapping]] = ..., returned: _Optional[int] = ...) -> None: ...

class CreateRecallRequest(_message.Message):
    __slots__ = ("original_id", "reason_code", "remittance")
    ORIGINAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    REMITTANCE_FIELD_NUMBER: _ClassVar[int]
    original_id: bytes
    reason_code: str
    remittance: str
    def __init__(self, original_id: _Optional[bytes] = ..., reason_code: _Optional[str] = ..., remittance: _Optional[str] = ...) -> None: ...

class CreateRecallResponse(_message.Message):
    __slots__ = ("id", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    state: _payment_pb2.PaymentState
    def __init__(self, id: _Optional[bytes] = ..., state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ...) -> None: ...
