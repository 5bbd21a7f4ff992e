"""One payment: read from either form of the contract, judged, and written as the books keep it.

The books keep the serialised `Payment`, its known fields in the order of their numbers and behind
them those that this version of the contract doesn't know. Most senders write it so, and their bytes
are kept as they came; others' are written anew. So the same content has the same bytes, however
it came: that is what tells a retry from another payment.
"""

from libc.string cimport memcpy, memset

from payvand.core.types cimport u8, u16, u32, u64
from payvand.switch.identifiers.check_digits cimport iban_holds
from payvand.switch.wire.protobuf cimport (
    BYTES, DEPTH_MAX, VARINT, Field, read_field, write_bytes, write_varint,
)
from payvand.switch.wire.route_table cimport (
    IBAN_BYTES, RouteRow, RouteTable, bank_code, is_unit,
)
from payvand.switch.wire.text cimport Text, read_text

# A payment of fixed size; behind all records of a request come the texts of each in turn.
cdef packed struct PackedPayment:
    u8 id[16]
    u8 debtor_iban[26]
    u8 creditor_iban[26]
    u8 unit[3]
    u8 kind
    u64 amount
    u16 text_bytes[5]          # of fields 7 to 11
    u8 reserved[6]

cdef enum:
    KINDS_END = 3
    TEXT_FIELDS = 5
    VARINT_FIELDS = 1 << FIELD_KIND | 1 << FIELD_AMOUNT

assert sizeof(PackedPayment) == 96


cdef bint read_payment(const u8* start, u32 size, Instruction* payment) noexcept nogil:
    """Read a serialised `Payment` (out: payment); return False where it is malformed."""
    cdef const u8* at = start
    cdef const u8* end = start + size
    cdef Field field
    cdef u32 last = 0, type_wanted
    memset(payment, 0, sizeof(Instruction))
    payment.raw, payment.raw_bytes, payment.canonical = start, size, True
    while at < end:
        at = read_field(at, end, DEPTH_MAX - 1, &field)
        if at == NULL or field.number == 0:
            return False
        type_wanted = VARINT if field.number < 32 and VARINT_FIELDS >> field.number & 1 else BYTES
        if field.number >= FIELDS or field.wire_type != type_wanted:
            last = 0xFFFFFFFF
            continue
        payment.canonical &= field.minimal and field.number > last
        last = field.number
        if field.number == FIELD_AMOUNT:
            payment.amount = field.value
            payment.canonical &= field.value != 0
        elif field.number == FIELD_KIND:
            payment.kind = <int>field.value
            payment.canonical &= 0 < field.value < KINDS_END
        elif field.number == FIELD_ID:
            payment.texts[FIELD_ID].start, payment.texts[FIELD_ID].size = field.start, field.size
        elif field.number == FIELD_ORIGINAL_ID:
            payment.canonical &= field.size != 0
            payment.texts[FIELD_ORIGINAL_ID].size = field.size
        else:
            payment.canonical &= field.size != 0
            if not read_text(field.start, field.size, &payment.texts[field.number]):
                return False
    return True


cdef u32 packed_texts_bytes(const u8* record) noexcept nogil:
    """Return how many bytes the texts of a packed record take."""
    cdef const PackedPayment* packed = <const PackedPayment*>record
    cdef u32 index, total = 0
    for index in range(TEXT_FIELDS):
        total += packed.text_bytes[index]
    return total


cdef void read_packed(const u8* record, const u8* texts, Instruction* payment) noexcept nogil:
    """Read a packed record and its *texts* (out: payment)."""
    cdef const PackedPayment* packed = <const PackedPayment*>record
    cdef u32 index, field
    memset(payment, 0, sizeof(Instruction))
    payment.amount, payment.kind = packed.amount, packed.kind
    payment.texts[FIELD_ID].start, payment.texts[FIELD_ID].size = packed.id, ID_BYTES
    for index in range(6):
        if packed.reserved[index]:
            payment.broken_rule, payment.broken_field = RULE_RESERVED, FIELD_RESERVED
    take_padded(packed.debtor_iban, IBAN_BYTES, payment, FIELD_DEBTOR_IBAN)
    take_padded(packed.creditor_iban, IBAN_BYTES, payment, FIELD_CREDITOR_IBAN)
    take_padded(packed.unit, 3, payment, FIELD_UNIT)
    for index in range(TEXT_FIELDS):
        field = FIELD_END_TO_END_ID + index
        take_text(texts, packed.text_bytes[index], payment, field)
        texts += packed.text_bytes[index]


cdef inline void take_padded(const u8* start, u32 size, Instruction* payment,
                             u32 field) noexcept nogil:
    """Take a text of a fixed width, zeros behind it."""
    while size and start[size - 1] == 0:
        size -= 1
    take_text(start, size, payment, field)


cdef inline void take_text(const u8* start, u32 size, Instruction* payment,
                           u32 field) noexcept nogil:
    if not read_text(start, size, &payment.texts[field]) and not payment.broken_rule:
        payment.broken_rule, payment.broken_field = RULE_TEXT_ENCODING, field


cdef u8* write_payment(u8* out, const Instruction* payment) noexcept nogil:
    """Write a payment that keeps the rules as the books keep it; return where it ends."""
    cdef const Text* texts = payment.texts
    cdef u32 field
    if payment.canonical:
        memcpy(out, payment.raw, payment.raw_bytes)
        return out + payment.raw_bytes
    out = write_bytes(out, FIELD_ID << 3 | BYTES, texts[FIELD_ID].start, ID_BYTES)
    out[0], out[1] = FIELD_KIND << 3 | VARINT, <u8>payment.kind
    out = write_bytes(out + 2, FIELD_DEBTOR_IBAN << 3 | BYTES,
                      texts[FIELD_DEBTOR_IBAN].start, IBAN_BYTES)
    out = write_bytes(out, FIELD_CREDITOR_IBAN << 3 | BYTES,
                      texts[FIELD_CREDITOR_IBAN].start, IBAN_BYTES)
    out[0] = FIELD_AMOUNT << 3 | VARINT
    out = write_varint(out + 1, payment.amount)
    for field in range(FIELD_UNIT, FIELD_BILL_REFERENCE + 1):
        if texts[field].size:
            out = write_bytes(out, <u8>(field << 3 | BYTES), texts[field].start, texts[field].size)
    return out if payment.raw == NULL else write_unknown(out, payment)


cdef u8* write_unknown(u8* out, const Instruction* payment) noexcept nogil:
    """Write the fields that the contract doesn't know, as they came."""
    cdef const u8* at = payment.raw
    cdef const u8* end = at + payment.raw_bytes
    cdef const u8* next
    cdef Field field
    while at < end:
        next = read_field(at, end, DEPTH_MAX - 1, &field)
        if (field.number >= FIELDS or field.wire_type
                != (VARINT if VARINT_FIELDS >> field.number & 1 else BYTES)):
            memcpy(out, at, next - at)
            out += next - at
        at = next
    return out


cdef const RouteRow* judge(const Instruction* payment, RouteTable table, const Debtor* debtor,
                           Fault* fault) noexcept nogil:
    """Return where the money goes; NULL where a rule is broken, and which (out: fault)."""
    cdef const Text* texts = payment.texts
    cdef const u8* identity = texts[FIELD_ID].start
    cdef const RouteRow* owner
    cdef const RouteRow* creditor
    cdef u32 field, length_max
    if payment.broken_rule:
        return broken(fault, payment.broken_field, payment.broken_rule, 0)
    if texts[FIELD_ID].size != ID_BYTES or identity[0] >= 0x80 or is_zero(identity):
        return broken(fault, FIELD_ID, RULE_ID_FORM, 0)
    if not 0 < payment.kind < KINDS_END:
        return broken(fault, FIELD_KIND, RULE_KIND_UNKNOWN, 0)
    for field in range(FIELD_ORIGINAL_ID, FIELD_REASON_CODE + 1):
        if texts[field].size:
            return broken(fault, field, RULE_RETURN_SERVICE, 0)
    for field in range(FIELD_DEBTOR_IBAN, FIELD_CREDITOR_IBAN + 1):
        if texts[field].size != IBAN_BYTES or not iban_holds(texts[field].start):
            return broken(fault, field, iban_rule(&texts[field]), texts[field].length)
    owner = creditor = debtor.anywhere
    if owner == NULL:
        owner = table.find(texts[FIELD_DEBTOR_IBAN].start)
        creditor = table.find(texts[FIELD_CREDITOR_IBAN].start)
        if owner == NULL:
            return broken(fault, FIELD_DEBTOR_IBAN, RULE_DEBTOR_UNKNOWN,
                          bank_code(texts[FIELD_DEBTOR_IBAN].start))
        if owner.position != debtor.position:
            return broken(fault, FIELD_DEBTOR_IBAN, RULE_NOT_YOURS, 0)
        if creditor == NULL:
            return broken(fault, FIELD_CREDITOR_IBAN, RULE_ROUTE_UNKNOWN,
                          bank_code(texts[FIELD_CREDITOR_IBAN].start))
        if creditor.position == debtor.position:
            return broken(fault, FIELD_CREDITOR_IBAN, RULE_SAME_PARTICIPANT, 0)
        if not owner.sends:
            return broken(fault, FIELD_DEBTOR_IBAN, RULE_DEBTOR_SUSPENDED, 0)
        if not creditor.receives:
            return broken(fault, FIELD_CREDITOR_IBAN, RULE_CREDITOR_SUSPENDED,
                          <u32>(creditor - table.rows))
    if payment.amount == 0:
        return broken(fault, FIELD_AMOUNT, RULE_AMOUNT_ZERO, 0)
    if (not is_unit(&texts[FIELD_UNIT], &owner.unit)
            or not is_unit(&texts[FIELD_UNIT], &creditor.unit)):
        return broken(fault, FIELD_UNIT, RULE_UNIT_PARTICIPANT if table.keeps(&texts[FIELD_UNIT])
                      else RULE_UNIT_UNKNOWN, <u32>(creditor - table.rows))
    for field in range(FIELD_END_TO_END_ID, FIELD_BILL_REFERENCE + 1):
        length_max = (REFERENCE_LENGTH_MAX
                      if field == FIELD_END_TO_END_ID or field == FIELD_BILL_REFERENCE
                      else TEXT_LENGTH_MAX)
        if texts[field].length > length_max:
            return broken(fault, field, RULE_TEXT_LENGTH, texts[field].length)
        if texts[field].controls:
            return broken(fault, field, RULE_TEXT_CHARACTERS, 0)
    return creditor


cdef inline const RouteRow* broken(Fault* fault, u32 field, u32 rule, u32 detail) noexcept nogil:
    fault.field, fault.rule, fault.detail = field, rule, detail
    return NULL


cdef u32 iban_rule(const Text* text) noexcept nogil:
    """Return which rule a text breaks that isn't an IBAN."""
    cdef u32 index
    if text.length != IBAN_BYTES:
        return RULE_IBAN_LENGTH
    if text.start[0] != c"I" or text.start[1] != c"R":
        return RULE_IBAN_COUNTRY
    if text.size != IBAN_BYTES:
        return RULE_IBAN_CHARACTERS
    for index in range(2, IBAN_BYTES):
        if not c"0" <= text.start[index] <= c"9":
            return RULE_IBAN_CHARACTERS
    return RULE_IBAN_CHECK_DIGITS


cdef inline bint is_zero(const u8* identity) noexcept nogil:
    cdef u64 words[2]
    memcpy(words, identity, ID_BYTES)
    return not (words[0] | words[1])
