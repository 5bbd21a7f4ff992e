"""Bills' words in the contract's, and back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from payvand.v1 import bill_pb2 as pb

__all__ = ["LINE_KINDS", "LINE_KIND_NUMBERS", "SUBJECT_KINDS", "SUBJECT_KIND_NUMBERS"]

LINE_KINDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        pb.BILL_LINE_KIND_FEE: "fee",
        pb.BILL_LINE_KIND_VALUE_ADDED_TAX: "value_added_tax",
        pb.BILL_LINE_KIND_PENALTY: "penalty",
        pb.BILL_LINE_KIND_INTEREST: "interest",
    }
)
LINE_KIND_NUMBERS: Final = MappingProxyType({name: number for number, name in LINE_KINDS.items()})
SUBJECT_KINDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        pb.BILL_SUBJECT_KIND_UNSPECIFIED: "",
        pb.BILL_SUBJECT_KIND_PLATE: "plate",
        pb.BILL_SUBJECT_KIND_CASE: "case",
        pb.BILL_SUBJECT_KIND_FILE: "file",
        pb.BILL_SUBJECT_KIND_INVOICE: "invoice",
        pb.BILL_SUBJECT_KIND_METER: "meter",
    }
)
SUBJECT_KIND_NUMBERS: Final = MappingProxyType(
    {name: number for number, name in SUBJECT_KINDS.items()}
)
