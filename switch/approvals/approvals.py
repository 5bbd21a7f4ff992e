"""Approvals: operators propose, others decide, and what is due is carried out.

Each act is checked against the proposal as it stands, written to the journal, and only then has its
effect. The rules are few: who proposes doesn't approve; who decides too late doesn't decide; an id
names one proposal for ever; the digest that is approved is the one that was read.

What is proposed is of a *kind*, which some other part of the switch knows how to check and to carry
out (see `Kind`). A crash between the approval and its effect is healed by the next start: what
is approved and due is carried out then.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import structlog

from payvand.settlement.operator_acts import OperatorAct, note_of
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.proposal import (
    ON_CALL,
    Act,
    Proposal,
    ProposalBook,
    ProposalState,
    canonical,
    digest_of,
)

__all__ = [
    "EXPIRY_NS",
    "EXPIRY_NS_MAX",
    "Approvals",
    "Kind",
    "ProposalRefused",
]

NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * NS
EXPIRY_NS: Final = 7 * DAY_NS
"""How long a proposal waits for a decision where its proposer doesn't say."""
EXPIRY_NS_MAX: Final = 90 * DAY_NS
REASON_LENGTH_MAX: Final = 400
CONTENT_BYTES_MAX: Final = 512 * 1024
"""Half of what the note of a frame takes."""
WAITING_MAX: Final = 1_000
"""Proposals that wait for a decision or for their time; more are refused."""
LOOK_S: Final = 1.0
"""How often the clock is looked at, at least: it may be set."""
RETRY_S: Final = 5.0
"""When something due is tried again after the database or another part failed."""

log = structlog.get_logger("payvand.switch")


class ProposalRefused(Exception):
    """An act on a proposal can't be; nothing was written.

    `field` says what is wrong, `rule` is the stable id of the broken rule, `hint` what to do.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}" if field else f"{rule}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


class Kind(Protocol):
    """What a part of the switch that has acts approved must know of them."""

    @property
    def name(self) -> str:
        """The kind's name, for example `rules.change`; it stands in the journal for ever."""

    async def check(self, content: Mapping[str, Any]) -> None:
        """Raise `ProposalRefused` where *content* can't be carried out as things stand."""

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Do all of it that can fail, and return what makes it hold.

        It may be called again after a crash, so what it does may be done twice without harm. What
        it returns is called with the act of the journal that tells of it, while the engine stands
        still, and can't fail. Raises `ProposalRefused` where it can't be done any more, which is
        final, and anything else where it can be done later.
        """


class Approvals:
    """The proposals of one switch. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        journal: ActJournal,
        kinds: Iterable[Kind],
        *,
        clock: Callable[[], int],
        reviewed: Iterable[str] = (),
    ) -> None:
        """Keep proposals of *kinds* in *journal*; *clock* tells nanoseconds since 1970.

        Those of the kinds that *reviewed* names are reviewed by somebody before another approves.
        """
        self._journal = journal
        self._reviewed = frozenset(reviewed)
        self._kinds = {kind.name: kind for kind in kinds}
        self._clock = clock
        self._book = ProposalBook()
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        journal.watch(self._book.apply)

    # --- reading -----------------------------------------------------------------------------

    def get(self, id: bytes) -> Proposal:
        """Return a proposal; raises `ProposalRefused` where there is none of this id."""
        proposal = self._book.get(id)
        if proposal is None:
            raise ProposalRefused("id", "proposal.unknown", f"no proposal has the id {id.hex()}")
        return proposal

    def find(self, id: bytes) -> Proposal | None:
        """Return a proposal, or None where there is none of this id."""
        return self._book.get(id)

    def proposals(self) -> Iterable[Proposal]:
        """Iterate over all proposals, the newest first."""
        return reversed(list(self._book))

    def oldest_due_s(self) -> float:
        """Return for how long what is due waits to be carried out, in seconds; 0 for none."""
        now = self._clock()
        return max((now - since for since in self._due_since(now)), default=0) / NS

    def _due_since(self, now: int) -> Iterator[int]:
        for proposal in self._book.waiting:
            approved = proposal.done_by(Act.APPROVED)
            if approved is not None and proposal.is_due(now):
                yield max(proposal.due_at, approved.timestamp)

    # --- acts of operators -------------------------------------------------------------------

    async def propose(
        self,
        *,
        id: bytes,
        kind: str,
        content: Mapping[str, Any],
        reason: str,
        operator: str,
        due_at: int = 0,
        expires_at: int = 0,
    ) -> Proposal:
        """Propose an act, or return the proposal where *id* was proposed with the same content.

        Args:
            id: 16 bytes, not all zero, the proposer's choice.
            kind: of those given at the start.
            content: of JSON's kinds, without floats; amounts are strings.
            reason: for the second operator and for those who look later.
            operator: the name of the proposer's certificate.
            due_at: when to carry it out once approved; 0 for at once, `ON_CALL` for when told to.
            expires_at: until when it can be decided; 0 for `EXPIRY_NS` from now.

        Raises `ProposalRefused`; then nothing was written.
        """
        async with self._turn:
            digest = digest_of(kind, _checked(id, content, reason))
            known = self._book.get(id)
            if known is not None:
                if (known.digest, known.proposer) != (digest, operator):
                    hint = "another proposal has this id: give each its own"
                    raise ProposalRefused("id", "proposal.id_reused", hint)
                return known
            now = self._clock()
            expires_at = expires_at or now + EXPIRY_NS
            if not now < expires_at <= now + EXPIRY_NS_MAX:
                hint = f"it lies in the future, at most {EXPIRY_NS_MAX // DAY_NS} days ahead"
                raise ProposalRefused("expires_at", "proposal.expiry", hint)
            if due_at not in (0, ON_CALL) and due_at <= now:
                hint = "it lies in the past; leave it out for at once"
                raise ProposalRefused("due_at", "proposal.due", hint)
            waiting = len(self._book.waiting)
            if waiting >= WAITING_MAX:
                hint = f"{waiting} proposals wait: decide some of them first"
                raise ProposalRefused("", "proposal.count", hint)
            await self._kind(kind).check(content)
            details = {
                "kind": kind,
                "content": dict(content),
                "digest": digest,
                "reason": reason,
                "expires_at": str(expires_at),
                "due_at": str(due_at),
            }
            await self._write(id, Act.PROPOSED, operator, details)
            return self.get(id)

    async def review(self, id: bytes, *, digest: str, operator: str, reason: str = "") -> Proposal:
        """Say of a proposal whose kind needs it that it may be approved; again changes nothing.

        Raises `ProposalRefused`.
        """
        async with self._turn:
            proposal = await self._to_decide(id, Act.REVIEWED, operator)
            if proposal.done_by(Act.REVIEWED) is not None:
                return proposal
            if proposal.kind not in self._reviewed:
                raise ProposalRefused("id", "proposal.kind", "nobody has to review it: approve it")
            _check_decider(proposal, operator, digest)
            await self._kind(proposal.kind).check(proposal.content)
            await self._write(id, Act.REVIEWED, operator, _reasoned(reason))
            return self.get(id)

    async def approve(self, id: bytes, *, digest: str, operator: str, reason: str = "") -> Proposal:
        """Approve a proposal, which carries it out where it is due; again returns it as it is.

        Raises `ProposalRefused`.
        """
        async with self._turn:
            proposal = await self._to_decide(id, Act.APPROVED, operator)
            if proposal.state is not ProposalState.OPEN:
                return proposal
            _check_decider(proposal, operator, digest)
            review = proposal.done_by(Act.REVIEWED)
            if proposal.kind in self._reviewed and review is None:
                hint = "nobody has reviewed it yet: that comes first"
                raise ProposalRefused("id", "proposal.unreviewed", hint)
            if review is not None and review.operator == operator:
                hint = f"{operator} reviewed it: a third person approves it"
                raise ProposalRefused("operator", "proposal.same_operator", hint)
            await self._kind(proposal.kind).check(proposal.content)
            await self._write(id, Act.APPROVED, operator, _reasoned(reason))
            proposal = self.get(id)
            if proposal.is_due(self._clock()):
                await self._try_carrying_out(proposal)
            return self.get(id)

    async def refuse(self, id: bytes, *, operator: str, reason: str = "") -> Proposal:
        """Refuse a proposal; its proposer withdraws it so. Raises `ProposalRefused`."""
        async with self._turn:
            known = self.get(id)
            act = Act.WITHDRAWN if operator == known.proposer else Act.REFUSED
            proposal = await self._to_decide(id, act, operator)
            if proposal.state is ProposalState.OPEN:
                await self._write(id, act, operator, _reasoned(reason))
            return self.get(id)

    async def schedule(self, id: bytes, *, due_at: int, operator: str) -> Proposal:
        """Say when an approved proposal that waits for it is carried out; 0 for at once.

        Raises `ProposalRefused` where it isn't approved or has its time already.
        """
        async with self._turn:
            proposal = self.get(id)
            called = proposal.done_by(Act.SCHEDULED)
            if called is not None and called.details["due_at"] == str(due_at):
                return proposal
            if proposal.state is not ProposalState.APPROVED or proposal.due_at != ON_CALL:
                hint = f"it is {proposal.state}" + (
                    " and has its time: cancel it, and propose it anew for another"
                    if proposal.state is ProposalState.APPROVED
                    else ": only what is approved and waits can be called"
                )
                raise ProposalRefused("id", "proposal.not_on_call", hint)
            if due_at and due_at <= self._clock():
                hint = "it lies in the past; leave it out for at once"
                raise ProposalRefused("due_at", "proposal.due", hint)
            await self._write(id, Act.SCHEDULED, operator, {"due_at": str(due_at)})
            proposal = self.get(id)
            if proposal.is_due(self._clock()):
                await self._try_carrying_out(proposal)
            return self.get(id)

    async def cancel(self, id: bytes, *, operator: str, reason: str = "") -> Proposal:
        """Call off what is approved and not carried out yet; one operator is enough to stop.

        Raises `ProposalRefused`.
        """
        async with self._turn:
            proposal = self.get(id)
            if proposal.state is ProposalState.CANCELLED:
                return proposal
            if proposal.state is not ProposalState.APPROVED:
                hint = f"it is {proposal.state}: only what is approved and waits can be cancelled"
                raise ProposalRefused("id", "proposal.state", hint)
            await self._write(id, Act.CANCELLED, operator, _reasoned(reason))
            return self.get(id)

    # --- what happens by itself --------------------------------------------------------------

    async def run(self) -> None:
        """Let proposals expire, and carry out what is due, until cancelled."""
        while True:
            self._changed.clear()
            failed = not await self.settle_due()
            with_time = [
                one.expires_at if one.is_open else one.due_at
                for one in self._book.waiting
                if one.is_open or one.due_at != ON_CALL
            ]
            delay_s = LOOK_S
            if failed:
                delay_s = RETRY_S
            elif with_time:
                delay_s = min(max(min(with_time) - self._clock(), 0) / NS, LOOK_S)
            try:
                async with asyncio.timeout(delay_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def settle_due(self) -> bool:
        """Do what is due now; return whether all of it could be done."""
        all_done = True
        async with self._turn:
            for proposal in self._book.waiting:
                if proposal.is_open and proposal.expires_at <= self._clock():
                    await self._write(proposal.id, Act.EXPIRED, "", {})
                elif proposal.is_due(self._clock()):
                    all_done &= await self._try_carrying_out(proposal)
        return all_done

    async def _try_carrying_out(self, proposal: Proposal) -> bool:
        """Carry out what is approved and due; False where that has to be tried again."""
        try:
            hold = await self._kind(proposal.kind).carry_out(proposal)
        except ProposalRefused as refused:
            details = {"rule": refused.rule, "hint": str(refused)}
            await self._write(proposal.id, Act.FAILED, "", details)
            return True
        except Exception as fault:
            # It is approved and stays so; the journal says nothing of tries.
            log.warning(
                "an approved act can't be carried out yet",
                proposal=proposal.id.hex(),
                kind=proposal.kind,
                fault=f"{type(fault).__name__}: {fault}",
            )
            return False
        await self._write(proposal.id, Act.CARRIED_OUT, "", {}, then=hold)
        return True

    # --- all of them -------------------------------------------------------------------------

    async def _to_decide(self, id: bytes, act: Act, operator: str) -> Proposal:
        """Return a proposal that is open, or on which *operator* has done just this *act*."""
        proposal = self.get(id)
        done = proposal.done_by(act)
        if done is not None and done.operator == operator:
            return proposal
        if proposal.is_open and proposal.expires_at <= self._clock():
            await self._write(id, Act.EXPIRED, "", {})
            proposal = self.get(id)
        if not proposal.is_open:
            hint = f"it is {proposal.state}: nothing is left to decide"
            raise ProposalRefused("id", "proposal.state", hint)
        return proposal

    def _kind(self, name: str) -> Kind:
        kind = self._kinds.get(name)
        if kind is None:
            hint = "one of " + ", ".join(sorted(self._kinds))
            raise ProposalRefused("kind", "proposal.kind", hint)
        return kind

    async def _write(
        self,
        id: bytes,
        act: Act,
        operator: str,
        details: Mapping[str, Any],
        *,
        then: Callable[[OperatorAct], None] | None = None,
    ) -> None:
        await self._journal.record_note(note_of(act, operator, id, details), then=then)
        self._changed.set()


def _check_decider(proposal: Proposal, operator: str, digest: str) -> None:
    """Refuse who proposed it, and who read something else."""
    if operator == proposal.proposer:
        hint = f"{operator} proposed it: another operator approves it"
        raise ProposalRefused("operator", "proposal.same_operator", hint)
    if digest != proposal.digest:
        hint = f"what you approve must be what you read: its digest is {proposal.digest}"
        raise ProposalRefused("digest", "proposal.digest", hint)


def _checked(id: bytes, content: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
    """Return *content* if it, *id* and *reason* have the form that they must."""
    if len(id) != 16 or not any(id):
        raise ProposalRefused("id", "proposal.id", "16 bytes, not all zero")
    if not reason or not _is_line(reason):
        hint = f"say why, in 1 to {REASON_LENGTH_MAX} characters on one line"
        raise ProposalRefused("reason", "proposal.reason", hint)
    try:
        plain = canonical(content)
        same = json.loads(plain, parse_float=_no_float) == content
    except (TypeError, ValueError) as error:
        raise ProposalRefused("content", "proposal.content", str(error)) from None
    if not same:
        raise ProposalRefused("content", "proposal.content", "keys are texts")
    if len(plain) > CONTENT_BYTES_MAX:
        hint = f"at most {CONTENT_BYTES_MAX} bytes; keep it elsewhere, and propose its digest"
        raise ProposalRefused("content", "proposal.size", hint)
    return content


def _is_line(text: str) -> bool:
    return len(text) <= REASON_LENGTH_MAX and not any(
        character < " " or "\x7f" <= character < "\xa0" for character in text
    )


def _no_float(text: str) -> float:
    raise ValueError(f"{text} is a float: amounts are strings of digits")


def _reasoned(reason: str) -> dict[str, str]:
    if not _is_line(reason):
        hint = f"at most {REASON_LENGTH_MAX} characters on one line"
        raise ProposalRefused("reason", "proposal.reason", hint)
    return {"reason": reason} if reason else {}
