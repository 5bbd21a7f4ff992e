"""Charges: payments' records → chains of a payment and what it costs, without the GIL.

    payment  ─►  payment (linked) │ charge (linked) │ charge

A charge moves between fee accounts, as the payment does: reserved where it is reserved, with the
same time to run out, else posted. Its id follows from the payment's, so whoever ends the payment finds
it, and a payment that bears charges is told by its `linked` flag.
"""

from hashlib import blake2b

import numpy as np

from payvand.core.records import TRANSFER, U128

from libc.stdlib cimport calloc, free
from libc.string cimport memset

from payvand.core.types cimport (
    BATCH_EVENTS_MAX, TRANSFER_FLAG_LINKED, TRANSFER_FLAG_PENDING, Transfer, u8, u16, u32, u64,
    u128,
)

CHARGES_MAX = 4
SWITCH_FEE_CODE = 20
INTERCHANGE_CODE = 21

cdef enum:
    CHARGES = 4
    KINDS_END = 4                  # payments' kinds are 1 to 3
    TIERS = 32
    CHARGE_OF_POSITION = 4         # a participant's charge account behind its position
    PER_MILLION = 1_000_000

assert <int>CHARGES == CHARGES_MAX

cdef struct TierRow:
    u64 above
    u64 flat
    u64 per_million
    u64 fee_min
    u64 fee_max

cdef struct TariffRow:
    u16 code                       # of the charge's transfer
    bint debtor_pays
    u64 receiver                   # charge account; 0: that of the other side
    u32 number                     # of the row in the table
    u32 tiers_count
    TierRow tiers[32]

cdef u128[4] MASKS
cdef u128 OWN_ID = <u128>1 << 127

for _index in range(CHARGES_MAX):
    _mask = int.from_bytes(
        blake2b(bytes([_index]), digest_size=16, person=b"payvand.charge").digest(), "big")
    MASKS[<u32>_index] = <u128><u64>(_mask >> 64) << 64 | <u128><u64>(_mask & 0xFFFF_FFFF_FFFF_FFFF)


cdef inline u128 charge_id(u128 payment, u32 index) noexcept nogil:
    """Return the id of a charge on a payment; those of one payment differ."""
    return payment ^ MASKS[index] | OWN_ID


cdef inline u64 fee_of(const TariffRow* row, u64 amount) noexcept nogil:
    """Return what a payment costs: rounded up to the unit, then bounded."""
    cdef u32 place = row.tiers_count - 1
    cdef const TierRow* tier
    cdef u128 fee
    while place > 0 and amount <= row.tiers[place].above:
        place -= 1
    tier = &row.tiers[place]
    fee = (<u128>amount * tier.per_million + (PER_MILLION - 1)) // PER_MILLION + tier.flat
    if fee < tier.fee_min:
        return tier.fee_min
    return tier.fee_max if fee > tier.fee_max else <u64>fee


cdef class ChargeTable:
    """The tariffs of one day, for one currency unit. Immutable."""

    cdef TariffRow* rows
    cdef u32 counts[4]             # of each kind; its rows begin at kind x CHARGES
    cdef u32 ledger
    cdef readonly tuple tariffs

    def __cinit__(self, tariffs, charge_accounts, kinds, u32 ledger):
        cdef TariffRow* row
        cdef u32 kind, place
        self.rows = <TariffRow*>calloc(KINDS_END * CHARGES, sizeof(TariffRow))
        if self.rows == NULL:
            raise MemoryError("no memory for a table of charges")
        self.ledger = ledger
        self.tariffs = tuple(tariffs)
        for number, tariff in enumerate(self.tariffs):
            kind = kinds.index(tariff.kind) + 1
            if self.counts[kind] == CHARGES:
                raise ValueError(f"more than {CHARGES_MAX} tariffs for {tariff.kind}")
            row = &self.rows[kind * CHARGES + self.counts[kind]]
            row.code = INTERCHANGE_CODE if tariff.charge == "interchange" else SWITCH_FEE_CODE
            row.debtor_pays = tariff.payer == "debtor"
            row.receiver = charge_accounts.get(tariff.receiver, 0)
            row.number = <u32>number
            row.tiers_count = <u32>len(tariff.tiers)
            for index, tier in enumerate(tariff.tiers):
                place = index
                row.tiers[place] = TierRow(tier.above, tier.flat, tier.per_million, tier.fee_min,
                                           tier.fee_max)
            self.counts[kind] += 1

    def __dealloc__(self):
        free(self.rows)

    def charge(self, records, offsets):
        """Return TRANSFER[m] with the charges of TRANSFER[n], offsets u4[m + 1], places u4[n].

        Places tell where each payment stands among the records returned.
        """
        cdef u32 count = <u32>len(records)
        charged = np.empty(count * (1 + CHARGES_MAX), TRANSFER)
        bounds = np.empty(len(charged) + 1, np.uint32)
        places = np.empty(count, np.uint32)
        cdef const u8[::1] source = np.ascontiguousarray(records).view(np.uint8)
        cdef u8[::1] target = charged.view(np.uint8)
        cdef const u32[::1] begins = offsets
        cdef u32[::1] out_begins = bounds
        cdef u32[::1] out_places = places
        cdef const Transfer* payment
        cdef Transfer* out
        cdef u32 index
        cdef u32 filled = 0, more
        if count:
            with nogil:
                payment = <const Transfer*>&source[0]
                out = <Transfer*>&target[0]
                for index in range(count):
                    out_places[index] = filled
                    out[filled] = payment[index]
                    out_begins[filled] = begins[index]
                    more = self.add_charges(&payment[index], &out[filled])
                    for filled in range(filled + 1, filled + more + 1):
                        out_begins[filled] = begins[index + 1]
                    filled = out_places[index] + more + 1
        out_begins[filled] = begins[count]
        return charged[:filled], bounds[:filled + 1], places

    cdef u32 add_charges(self, const Transfer* payment, Transfer* out) noexcept nogil:
        """Write the charges of a payment behind it (out: from the payment on); return how many."""
        cdef u32 kind = payment.code
        cdef u32 place, made = 0
        cdef const TariffRow* row
        cdef Transfer* charge
        cdef u64 debtor = <u64>payment.debit_account_id + CHARGE_OF_POSITION
        cdef u64 creditor = <u64>payment.credit_account_id + CHARGE_OF_POSITION
        cdef u64 payer, receiver, fee
        if kind >= KINDS_END or payment.ledger != self.ledger or payment.amount >> 64:
            return 0
        for place in range(self.counts[kind]):
            row = &self.rows[kind * CHARGES + place]
            payer = debtor if row.debtor_pays else creditor
            receiver = row.receiver
            if receiver == 0:
                receiver = creditor if row.debtor_pays else debtor
            fee = fee_of(row, <u64>payment.amount)
            if fee == 0 or payer == receiver:
                continue
            out[made].flags |= TRANSFER_FLAG_LINKED
            made += 1
            charge = &out[made]
            memset(charge, 0, sizeof(Transfer))
            charge.id = charge_id(payment.id, made - 1)
            charge.debit_account_id, charge.credit_account_id = payer, receiver
            charge.amount = fee
            charge.user_data_128 = payment.id
            charge.user_data_32 = row.number
            charge.timeout = payment.timeout
            charge.ledger, charge.code = payment.ledger, row.code
            charge.flags = payment.flags & TRANSFER_FLAG_PENDING
        return made

    def quote(self, u32 kind, u64 amount):
        """Return (tariff, fee) for each charge on a payment, the fees greater than zero."""
        cdef u32 place
        cdef const TariffRow* row
        found = []
        for place in range(self.counts[kind] if kind < KINDS_END else 0):
            row = &self.rows[kind * CHARGES + place]
            fee = fee_of(row, amount)
            if fee:
                found.append((self.tariffs[row.number], fee))
        return found


def charge_ids(ids):
    """Return U128[n, 4], the ids of all charges that payments U128[n] may bear."""
    cdef const u8[::1] source = np.ascontiguousarray(ids).view(np.uint8)
    cdef u32 count = <u32>len(ids)
    cdef u32 index, place
    found = np.empty((count, CHARGES_MAX), U128)
    cdef u8[::1] target = found.reshape(-1).view(np.uint8)
    if count:
        for index in range(count):
            for place in range(CHARGES):
                (<u128*>&target[0])[index * CHARGES + place] = charge_id(
                    (<const u128*>&source[0])[index], place)
    return found
