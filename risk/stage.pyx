"""The scoring stage: compiled rules over a batch, before the ledger, without the GIL.

What it looks at is a payment: a transfer of code 1 to 9 that is single or pending. All others
(posts, voids, settlement, funding) pass.

Velocity counts attempts: payments that this stage let pass, whatever the ledger says of them
afterwards, at the time that the ledger gives them, each id once. That makes the decision on a
payment a function of the payments before it alone, so it doesn't matter how they are cut into
batches. A retry, which is a payment whose id is in the log, is neither counted nor held against
a velocity rule again: the ledger answers it with its first outcome.

Expressions see features, which count every attempt once, and the model's score; see `scoring.pyx`.
A retry is tested by no expression.

In a replay decisions come from the journal. `observe` then does to the log and the features what
`decide` did, and needs no rule for it but the windows' shapes.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from payvand.core.limits import BATCH_EVENTS_MAX as EVENTS_MAX
from payvand.core.records import TRANSFER
from payvand.risk.payment_fields import PAYMENT_FIELDS
from payvand.risk.rules import (
    AmountRule, BlockedRule, ExpressionRule, VelocityRule, names_of,
)

from libc.stdlib cimport calloc, free

from payvand.core.stage cimport DECISION_ACTION_MASK, DECISION_ALLOW, DECISION_DECLINE, Stage
from payvand.core.types cimport (
    TRANSFER_FLAG_POST_PENDING_TRANSFER, TRANSFER_FLAG_VOID_PENDING_TRANSFER, Transfer, U128_MAX,
    u8, u32, u64,
)
from payvand.risk.feature_engine cimport FeatureEngine
from payvand.risk.key_list cimport KeyList
from payvand.risk.program cimport BLOCK_ROWS, Program
from payvand.risk.scoring cimport SCORED_ROWS, Scoring
from payvand.risk.tree_evaluator cimport TreeModel
from payvand.risk.velocity cimport NONE, Velocity, Window

assert <int>BLOCK_ROWS == <int>SCORED_ROWS

_STATE = struct.Struct("<Q?7x")    # bytes of the velocity log; whether attempts follow

PAYMENTS_MAX = 1 << 20
KEYS_MAX = 1 << 20

cdef enum:
    CODE_END = 10              # codes from here on are the switch's own
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER
    PREFETCH_SLOTS_AHEAD = 12
    PREFETCH_ROWS_AHEAD = 6


@dataclass(frozen=True, slots=True)
class RiskStatistics:
    """How a stage stands."""

    payments: int
    payments_max: int
    accounts: int
    forgotten: int
    bytes_per_payment: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the window of a velocity rule counts."""

    width_ns: int
    count_max: int
    ledger: int
    codes: int


cdef inline bint is_payment(const Transfer* transfer) noexcept nogil:
    return 0 < transfer.code < CODE_END and not transfer.flags & ENDS_PENDING


cdef inline bint holds(const Terms* terms, const Transfer* payment, u64 timestamp) noexcept nogil:
    """Tell whether a rule looks at a payment at all."""
    return (terms.valid_from <= timestamp < terms.valid_to
            and terms.codes >> payment.code & 1
            and (terms.ledger == 0 or terms.ledger == payment.ledger))


cdef inline u32 stronger(u32 decision, u32 other) noexcept nogil:
    """Return the decision with the stronger action; of one action that of the lower number."""
    cdef u32 action = decision & DECISION_ACTION_MASK
    cdef u32 other_action = other & DECISION_ACTION_MASK
    if other_action > action or (other_action == action and other < decision):
        return other
    return decision


cdef Terms* compiled(rules) except NULL:
    """Return the rules' terms in their order, in memory of the caller's."""
    cdef Terms* terms = <Terms*>calloc(max(len(rules), 1), sizeof(Terms))
    cdef u32 place
    if terms == NULL:
        raise MemoryError(f"no memory for {len(rules)} rules")
    for place, rule in enumerate(rules):
        limit = getattr(rule, "amount_max", None)
        terms[place].valid_from = rule.valid_from
        terms[place].valid_to = rule.valid_to
        terms[place].amount_max = U128_MAX if limit is None else <u64>limit
        terms[place].decision = rule.number << 2 | int(rule.action)
        terms[place].ledger = getattr(rule, "ledger", 0)
        terms[place].codes = rule.codes
    return terms


cdef class RiskStage(Stage):
    """Decide on payments by amount limits, velocity limits and block lists."""

    def __cinit__(self, rules, features=None, model=None, payments_max=PAYMENTS_MAX,
                  keys_max=KEYS_MAX):
        cdef u32 place
        amounts = [rule for rule in rules.rules if isinstance(rule, AmountRule)]
        velocities = [rule for rule in rules.rules if isinstance(rule, VelocityRule)]
        blockings = [rule for rule in rules.rules if isinstance(rule, BlockedRule)]
        expressions = [rule for rule in rules.rules if isinstance(rule, ExpressionRule)]
        _check_parts(rules, features, model, expressions)
        self.expressions, self.expressions_count = compiled(expressions), len(expressions)
        self.uses_model = model is not None
        if features is not None or expressions:
            lists = [KeyList(rules.lists[name]) for name in rules.names.lists]
            self.scoring = Scoring(
                None if features is None else FeatureEngine(features, keys_max=keys_max),
                None if model is None else TreeModel(model),
                [Program(rule.when, lists) for rule in expressions], rules.names.fields,
                payments_max)
        self.rules = rules
        self.amounts, self.amounts_count = compiled(amounts), len(amounts)
        self.velocities, self.velocities_count = compiled(velocities), len(velocities)
        self.blockings, self.blockings_count = compiled(blockings), len(blockings)
        self.velocity = Velocity(
            [_Shape(rule.width_ns, rule.count_max, rule.ledger, rule.codes)
             for rule in velocities], payments_max)
        accounts = sum(len(rule.debtors) + len(rule.creditors) for rule in blockings)
        slots = 1 << (2 * accounts + 1).bit_length()
        self.blocked = <Blocked*>calloc(slots, sizeof(Blocked))
        if self.blocked == NULL:
            raise MemoryError(f"no memory for {accounts} blocked accounts")
        self.blocked_mask = slots - 1
        for place, rule in enumerate(blockings):
            for account in rule.debtors:
                self.block(account, <u32>1 << place, 0)
            for account in rule.creditors:
                self.block(account, 0, <u32>1 << place)

    def __dealloc__(self):
        free(self.amounts)
        free(self.velocities)
        free(self.blockings)
        free(self.expressions)
        free(self.blocked)

    @classmethod
    def from_rules(cls, rules, *, features=None, model=None, payments_max=PAYMENTS_MAX,
                   keys_max=KEYS_MAX):
        """Compile a pack of rules, with the features and the model that its expressions ask for.

        *payments_max*, a power of two, and *keys_max* bound the state.
        """
        return cls(rules, features, model, payments_max, keys_max)

    # --- the engine's side -------------------------------------------------------------------

    cdef void decide(self, const Transfer* transfers, u32 count, u64 timestamp,
                     u32* decisions) noexcept nogil:
        """Decide on a batch whose last event has *timestamp* (in: transfers; out: decisions)."""
        cdef u32 first = 0, some
        while first < count:
            some = min(count - first, <u32>SCORED_ROWS)
            self.decide_block(&transfers[first], some, timestamp - count + first + some,
                              &decisions[first])
            first += some

    cdef void decide_block(self, const Transfer* transfers, u32 count, u64 timestamp,
                           u32* decisions) noexcept nogil:
        cdef u32 index
        for index in range(count):
            decisions[index] = DECISION_ALLOW
        if self.scoring is not None:
            self.judge(transfers, count, timestamp, decisions)
        for index in range(count):
            if self.velocities_count and index + PREFETCH_SLOTS_AHEAD < count:
                self.velocity.prefetch_slots(
                    &transfers[index + PREFETCH_SLOTS_AHEAD], PREFETCH_SLOTS_AHEAD)
            if self.velocities_count and index + PREFETCH_ROWS_AHEAD < count:
                self.velocity.prefetch_rows(&transfers[index + PREFETCH_ROWS_AHEAD])
            if is_payment(&transfers[index]):
                decisions[index] = self.decide_payment(
                    &transfers[index], timestamp - count + 1 + index, decisions[index])

    cdef void observe(self, const Transfer* transfers, const u32* decisions, const u32* statuses,
                      u32 count, u64 timestamp, bint decided) noexcept nogil:
        """Do to the log and the features what `decide` did, where it didn't go before (in: all)."""
        cdef u32 index, row, some
        cdef u32 first = 0
        cdef u64 moment
        cdef bint declined
        if decided:
            return
        while self.scoring is not None and first < count:
            some = min(count - first, <u32>SCORED_ROWS)
            self.scoring.take(&transfers[first], some, timestamp - count + first + some)
            first += some
        if self.velocities_count == 0:
            return
        for index in range(count):
            if (not is_payment(&transfers[index]) or transfers[index].user_data_64 == 0
                    or self.velocity.knows(transfers[index].id)):
                continue
            moment = timestamp - count + 1 + index
            row = self.velocity.slide(transfers[index].user_data_64, moment)
            declined = (decisions != NULL
                        and decisions[index] & DECISION_ACTION_MASK == DECISION_DECLINE)
            if not declined:
                self.velocity.count(&transfers[index], moment, row)

    # --- snapshots ---------------------------------------------------------------------------

    def save(self):
        """Return the state, for a snapshot; None where there are features.

        Their histories are too much to copy while batches wait, so they are observed again.
        """
        if self.scoring is not None and self.scoring.features is not None:
            return None
        velocity = self.velocity.save()
        attempts = self.scoring.attempts.save() if self.scoring is not None else b""
        return _STATE.pack(len(velocity), self.scoring is not None) + velocity + attempts

    def load(self, state):
        """Take over what `save` returned; False where it is of other rules or of another form."""
        if len(state) < _STATE.size or self.scoring is not None and (
                self.scoring.features is not None):
            return False
        size, has_attempts = _STATE.unpack_from(state)
        if has_attempts != (self.scoring is not None):
            return False
        if not self.velocity.load(state[_STATE.size : _STATE.size + size]):
            return False
        if self.scoring is not None:
            self.scoring.attempts.load(state[_STATE.size + size :])
        return True

    # --- rules -------------------------------------------------------------------------------

    cdef void judge(self, const Transfer* transfers, u32 count, u64 timestamp,
                    u32* decisions) noexcept nogil:
        """Take a block into the features and decide on it by expressions."""
        cdef const Terms* terms
        cdef const u64* truths
        cdef u32 rule, row, place
        self.scoring.take(transfers, count, timestamp)
        self.scoring.score(self.uses_model)
        for rule in range(self.expressions_count):
            terms = &self.expressions[rule]
            truths = self.scoring.test(rule)
            for row in range(self.scoring.count):
                place = self.scoring.places[row]
                if truths[row] and holds(terms, &transfers[place], timestamp - count + 1 + place):
                    decisions[place] = stronger(decisions[place], terms.decision)

    cdef u32 decide_payment(self, const Transfer* payment, u64 timestamp,
                            u32 decision) noexcept nogil:
        """Return the strongest decision of all rules; enter the payment where it passes."""
        cdef u32 row
        decision = self.check_amount(payment, timestamp, decision)
        if self.blockings_count:
            decision = self.check_blocked(payment, timestamp, decision)
        if (self.velocities_count == 0 or payment.user_data_64 == 0
                or self.velocity.knows(payment.id)):
            return decision
        row = self.velocity.slide(payment.user_data_64, timestamp)
        decision = self.check_velocity(payment, timestamp, row, decision)
        if decision & DECISION_ACTION_MASK != DECISION_DECLINE:
            self.velocity.count(payment, timestamp, row)
        return decision

    cdef u32 check_amount(self, const Transfer* payment, u64 timestamp,
                          u32 decision) noexcept nogil:
        cdef u32 place
        cdef const Terms* terms
        for place in range(self.amounts_count):
            terms = &self.amounts[place]
            if payment.amount > terms.amount_max and holds(terms, payment, timestamp):
                decision = stronger(decision, terms.decision)
        return decision

    cdef u32 check_blocked(self, const Transfer* payment, u64 timestamp,
                           u32 decision) noexcept nogil:
        cdef u64 creditor = <u64>(payment.user_data_128 >> 64)
        cdef u32 rules = 0
        cdef u32 place
        if payment.user_data_64 != 0:
            rules = self.slot_of(payment.user_data_64).debtor_rules
        if creditor != 0:
            rules |= self.slot_of(creditor).creditor_rules
        if rules == 0:
            return decision
        for place in range(self.blockings_count):
            if rules >> place & 1 and holds(&self.blockings[place], payment, timestamp):
                decision = stronger(decision, self.blockings[place].decision)
        return decision

    cdef u32 check_velocity(self, const Transfer* payment, u64 timestamp, u32 row,
                            u32 decision) noexcept nogil:
        """Test what the windows would hold with this payment in them."""
        cdef Window empty = Window(0, NONE, 0)
        cdef const Window* window
        cdef const Terms* terms
        cdef u32 place
        for place in range(self.velocities_count):
            terms = &self.velocities[place]
            if not holds(terms, payment, timestamp):
                continue
            window = self.velocity.windows_of(row) + place if row != NONE else &empty
            if (window.count >= self.velocity.shapes[place].count_max
                    or payment.amount > terms.amount_max
                    or window.sum + payment.amount > terms.amount_max):
                decision = stronger(decision, terms.decision)
        return decision

    # --- the block list ----------------------------------------------------------------------

    cdef Blocked* slot_of(self, u64 account) noexcept nogil:
        """Return the slot of an account, or the empty one where its probe ends.

        Keys are hashes already, so a key is its own place.
        """
        cdef u64 position = account & self.blocked_mask
        while self.blocked[position].account not in (0, account):
            position = (position + 1) & self.blocked_mask
        return &self.blocked[position]

    cdef void block(self, u64 account, u32 debtor_rule, u32 creditor_rule) noexcept nogil:
        """Enter an account; at most half of the slots are ever taken."""
        cdef Blocked* slot = self.slot_of(account)
        slot.account = account
        slot.debtor_rules |= debtor_rule
        slot.creditor_rules |= creditor_rule

    # --- from Python -------------------------------------------------------------------------

    def decide_records(self, transfers, timestamp):
        """Decide on TRANSFER[n], n at most 8,190, the last at *timestamp* → decisions u4[n]."""
        decisions = np.zeros(len(transfers), np.uint32)
        cdef const u8[::1] rows = _checked(transfers)
        cdef u32[::1] out = decisions
        cdef u32 count = len(transfers)
        cdef u64 moment = timestamp
        if count:
            with nogil:
                self.decide(<const Transfer*>&rows[0], count, moment, &out[0])
        return decisions

    def observe_records(self, transfers, decisions, timestamp):
        """Learn of TRANSFER[n] what was decided elsewhere, u4[n]; as a replay does."""
        cdef const u8[::1] rows = _checked(transfers)
        cdef const u32[::1] journaled = decisions
        cdef u32 count = len(transfers)
        cdef u64 moment = timestamp
        if len(decisions) != len(transfers):
            raise ValueError(f"{len(decisions)} decisions on {len(transfers)} transfers")
        if count:
            with nogil:
                self.observe(<const Transfer*>&rows[0], &journaled[0], NULL, count, moment, False)

    def statistics(self):
        """Return how the stage stands; not while a batch is decided on."""
        return RiskStatistics(
            self.velocity.payments, self.velocity.payments_max, self.velocity.accounts_kept,
            self.velocity.forgotten, self.velocity.bytes_per_payment)

    def digest(self):
        """Return SHA-256 of the state: equal for equal histories, however they were cut."""
        digest = self.velocity.digest()
        return digest if self.scoring is None else sha256(digest + self.scoring.digest()).digest()


def _check_parts(rules, features, model, expressions):
    """Raise ValueError where rules, features and model don't belong together."""
    names = names_of(features, has_score=model is not None, lists=rules.names.lists)
    if expressions and rules.names != names:
        raise ValueError("the rules were read for other features than those of the stage")
    if model is not None and features is None:
        raise ValueError("a model needs the features that it was trained on")
    if features is not None and features.time_unit != "ns":
        raise ValueError(f"features of payments count nanoseconds, not {features.time_unit}")
    unknown = [name for name in names.fields if name not in PAYMENT_FIELDS]
    if unknown:
        raise ValueError(f"the ledger knows no {', '.join(unknown)} of a payment; it knows "
                         f"{', '.join(PAYMENT_FIELDS)}")
    if model is not None:
        unknown = [name for name in model.feature_names if name not in features.names]
        if unknown:
            raise ValueError(f"the model was trained on other features: {', '.join(unknown)}")


def _checked(transfers):
    """Return records as bytes; raise where they aren't a batch of transfers."""
    if not isinstance(transfers, np.ndarray) or transfers.dtype != TRANSFER:
        raise TypeError("transfers must be a numpy array of TRANSFER, "
                        f"got {getattr(transfers, 'dtype', type(transfers).__name__)}")
    if len(transfers) > EVENTS_MAX:
        raise ValueError(f"{len(transfers)} transfers; a batch holds at most {EVENTS_MAX}")
    return np.ascontiguousarray(transfers).view(np.uint8)
