from payvand.v1 import payment_pb2 as _payment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuoteRequest(_message.Message):
    __slots__ = ("payments",)
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[QuotedPayment]
    def __init__(self, payments: _Optional[_Iterable[_Union[QuotedPayment, _Mapping]]] = ...) -> None: ...

class QuotedPayment(_message.Message):
    __slots__ = ("kind", "debtor_iban", "creditor_iban", "amount")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DEBTOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    CREDITOR_IBAN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    kind: _payment_pb2.PaymentKind
    debtor_iban: str
    creditor_iban: str
    amount: int
    def __init__(self, kind: _Optional[_Union[_payment_pb2.PaymentKind, str]] = ..., debtor_iban: _Optional[str] = ..., creditor_iban: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class QuoteResponse(_message.Message):
    __slots__ = ("quotes",)
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[Quote]
    def __init__(self, quotes: _Optional[_Iterable[_Union[Quote, _Mapping]]] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("charges", "rule")
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    charges: _containers.RepeatedCompositeFieldContainer[Charge]
    rule: str
    def __init__(self, charges: _Optional[_Iterable[_Union[Charge, _Mapping]]] = ..., rule: _Optional[str] = ...) -> None: ...

class Charge(_message.Message):
    __slots__ = ("tariff", "kind", "payer", "receiver", "amount")
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAYER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    tariff: str
    kind: str
    payer: str
    receiver: str
    amount: int
    def __init__(self, tariff: _Optional[str] = ..., kind: _Optional[str] = ..., payer: _Optional[str] = ..., receiver: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...
