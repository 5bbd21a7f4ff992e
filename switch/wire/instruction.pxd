"""One payment as it came, and the rules that need no books."""

from payvand.core.types cimport Transfer, u8, u32, u64
from payvand.switch.wire.route_table cimport RouteRow, RouteTable
from payvand.switch.wire.text cimport Text

# The fields of a payment by their numbers in the contract.
cdef enum:
    FIELD_WHOLE = 0            # the payment as a whole
    FIELD_ID = 1
    FIELD_KIND = 2
    FIELD_DEBTOR_IBAN = 3
    FIELD_CREDITOR_IBAN = 4
    FIELD_AMOUNT = 5
    FIELD_UNIT = 6
    FIELD_END_TO_END_ID = 7
    FIELD_DEBTOR_NAME = 8
    FIELD_CREDITOR_NAME = 9
    FIELD_REMITTANCE = 10
    FIELD_BILL_REFERENCE = 11
    FIELD_ORIGINAL_ID = 12     # of a return or a recall
    FIELD_REASON_CODE = 13     # likewise
    FIELDS = 14
    FIELD_RESERVED = 14        # of a packed record

# The rules in their order of precedence; `faults.py` has their names.
cdef enum:
    RULE_NONE = 0
    RULE_RESERVED = 1
    RULE_TEXT_ENCODING = 2
    RULE_ID_FORM = 3
    RULE_KIND_UNKNOWN = 4
    RULE_RETURN_SERVICE = 5
    RULE_IBAN_LENGTH = 6
    RULE_IBAN_COUNTRY = 7
    RULE_IBAN_CHARACTERS = 8
    RULE_IBAN_CHECK_DIGITS = 9
    RULE_DEBTOR_UNKNOWN = 10
    RULE_NOT_YOURS = 11
    RULE_ROUTE_UNKNOWN = 12
    RULE_SAME_PARTICIPANT = 13
    RULE_DEBTOR_SUSPENDED = 14
    RULE_CREDITOR_SUSPENDED = 15
    RULE_AMOUNT_ZERO = 16
    RULE_UNIT_UNKNOWN = 17
    RULE_UNIT_PARTICIPANT = 18
    RULE_TEXT_LENGTH = 19
    RULE_TEXT_CHARACTERS = 20
    RULE_PAYMENT_SIZE = 21

cdef enum:
    ID_BYTES = 16
    REFERENCE_LENGTH_MAX = 35
    TEXT_LENGTH_MAX = 140
    PAYMENT_BYTES_MAX = 2560

# A payment as it came; its texts lie in the request.
cdef struct Instruction:
    Text texts[FIELDS]         # by field number; the id too, unread
    u64 amount
    int kind
    const u8* raw              # the message that it came as, or NULL
    u32 raw_bytes
    bint canonical             # that message is as `write_payment` would write it
    u32 broken_rule            # that reading it has found already
    u32 broken_field

# Which rule a payment breaks.
cdef packed struct Fault:
    u32 index                  # of the payment in the request
    u32 field
    u32 rule
    u32 detail                 # a length, a size, a bank code or a row of the table

# Who submits.
cdef struct Debtor:
    u64 position
    u32 timeout                # seconds that the creditor's bank has
    const RouteRow* anywhere   # where every account leads; NULL: where the table says

cdef bint read_payment(const u8* start, u32 size, Instruction* payment) noexcept nogil
cdef void read_packed(const u8* record, const u8* texts, Instruction* payment) noexcept nogil
cdef u32 packed_texts_bytes(const u8* record) noexcept nogil
cdef u8* write_payment(u8* out, const Instruction* payment) noexcept nogil
cdef const RouteRow* judge(const Instruction* payment, RouteTable table, const Debtor* debtor,
                           Fault* fault) noexcept nogil
