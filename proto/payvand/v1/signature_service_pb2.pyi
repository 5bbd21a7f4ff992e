from payvand.v1 import payment_pb2 as _payment_pb2
from payvand.v1 import payment_service_pb2 as _payment_service_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmitSignedRequest(_message.Message):
    __slots__ = ("request", "signing_key", "signature")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    signing_key: bytes
    signature: bytes
    def __init__(self, request: _Optional[bytes] = ..., signing_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class SubmitSignedResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _payment_service_pb2.SubmitResponse
    def __init__(self, response: _Optional[_Union[_payment_service_pb2.SubmitResponse, _Mapping]] = ...) -> None: ...

class GetSignedRequestRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class GetSignedRequestResponse(_message.Message):
    __slots__ = ("signed", "participant", "received_at", "state", "amount", "content_digest")
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    signed: SubmitSignedRequest
    participant: str
    received_at: int
    state: _payment_pb2.PaymentState
    amount: int
    content_digest: int
    def __init__(self, signed: _Optional[_Union[SubmitSignedRequest, _Mapping]] = ..., participant: _Optional[str] = ..., received_at: _Optional[int] = ..., state: _Optional[_Union[_payment_pb2.PaymentState, str]] = ..., amount: _Optional[int] = ..., content_digest: _Optional[int] = ...) -> None: ...
