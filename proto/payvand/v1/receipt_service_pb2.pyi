from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetReceiptRequest(_message.Message):
    __slots__ = ("number", "act", "pdf", "proof")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    PDF_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    number: str
    act: int
    pdf: bool
    proof: bool
    def __init__(self, number: _Optional[str] = ..., act: _Optional[int] = ..., pdf: _Optional[bool] = ..., proof: _Optional[bool] = ...) -> None: ...

class GetReceiptResponse(_message.Message):
    __slots__ = ("receipt", "pdf")
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    PDF_FIELD_NUMBER: _ClassVar[int]
    receipt: str
    pdf: bytes
    def __init__(self, receipt: _Optional[str] = ..., pdf: _Optional[bytes] = ...) -> None: ...
