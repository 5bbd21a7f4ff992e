"""A file on its way through the switch: sent in batches, answers sorted, ends awaited."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from payvand.client import CALL_PAYMENTS_MAX, FINAL_STATES, STATE_NAMES, Bank
from payvand.switch.cli.problems import Problem, Report, Sums
from payvand.switch.files import Instruction, LineError, Part, PaymentFile, send
from payvand.v1.payment_pb2 import Reason

__all__ = ["Submission"]

BATCH_PAYMENTS: Final = 1_000
POLL_FIRST_S: Final = 0.1
POLL_LONGEST_S: Final = 1.0


class Submission:
    """One file's instructions and what became of them."""

    def __init__(
        self, file: PaymentFile, report: Report, *, advance: Callable[[int], None]
    ) -> None:
        """Send *file*, tell problems to *report*, and call *advance* with each count answered."""
        self.reserved: dict[bytes, list[Instruction]] = {}
        """The payments that wait for their end, by id: several lines may instruct the same one."""
        self._file = file
        self._report = report
        self._advance = advance
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._amounts: defaultdict[str, int] = defaultdict(int)

    @property
    def states(self) -> Sums:
        """Count and sum of the instructions by state."""
        return {
            state: (count, self._amounts[state]) for state, count in self._counts.items() if count
        }

    @property
    def all_went_through(self) -> bool:
        """Tell whether no instruction was refused, declined, rejected or expired."""
        return not self.states.keys() - {"reserved", "settled", "readable"}

    async def send(self, bank: Bank) -> None:
        """Send the whole file.

        Raises:
            FileError: the file can't be read on.
            ClientFault: the switch can't be reached, or refused the stream as a whole.
        """
        async for part in send(bank, self._stretches()):
            self._sort(part, await _past_reasons(bank, part))
            self._advance(len(part.instructions) + len(part.errors))

    def check(self) -> None:
        """Read the whole file and tell what of it can't be read; the rest counts as `readable`.

        Raises:
            FileError: the file can't be read on.
        """
        for batch in self._file.batches(size=BATCH_PAYMENTS):
            for item in batch:
                if isinstance(item, LineError):
                    self._count(0, "refused")
                    self._report.problem(Problem.unreadable(item))
                else:
                    self._count(item.amount, "readable")
            self._advance(len(batch))

    async def wait(self, bank: Bank, timeout_s: float) -> bool:
        """Ask until every payment has its end; return False where some have none in time."""
        deadline = time.monotonic() + timeout_s
        pause = POLL_FIRST_S
        while self.reserved:
            for start in range(0, len(self.reserved), CALL_PAYMENTS_MAX):
                await self._ask(bank, list(self.reserved)[start : start + CALL_PAYMENTS_MAX])
            left = deadline - time.monotonic()
            if self.reserved and left <= 0:
                return False
            if self.reserved:
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, POLL_LONGEST_S)
        return True

    async def _ask(self, bank: Bank, ids: Sequence[bytes]) -> None:
        for status in await bank.status(ids):
            state = STATE_NAMES[status.state]
            if state in FINAL_STATES:
                for instruction in self.reserved.pop(status.id):
                    self._count(instruction.amount, "reserved", -1)
                    self._count(instruction.amount, state)
                    if state != "settled":
                        self._report.problem(_problem(instruction, state, status.reason))

    async def _stretches(self) -> AsyncIterator[tuple[None, Sequence[Instruction | LineError]]]:
        for batch in self._file.batches(size=BATCH_PAYMENTS):
            yield None, batch
            await asyncio.sleep(0)

    def _sort(self, part: Part[None], past: Mapping[bytes, Reason]) -> None:
        """Count the states of a part and tell its problems, in the order of the file.

        *past* has the reasons of payments that had ended before, by id.
        """
        problems = [Problem.unreadable(error) for error in part.errors]
        self._counts["refused"] += len(part.errors)
        for refusal in part.response.refusals:
            problems.append(
                Problem.of(
                    part.instructions[refusal.index],
                    "refused",
                    field=refusal.field,
                    rule=refusal.rule,
                    hint=refusal.hint,
                )
            )
        reasons = {declined.index: declined.reason for declined in part.response.declined}
        for index, state in enumerate(part.response.states):
            name = STATE_NAMES[state]
            instruction = part.instructions[index]
            self._count(0 if name == "refused" else instruction.amount, name)
            if name == "reserved":
                self.reserved.setdefault(instruction.id, []).append(instruction)
            elif name not in ("settled", "refused"):
                reason = reasons.get(index) or past.get(instruction.id) or Reason()
                problems.append(_problem(instruction, name, reason))
        for problem in sorted(problems, key=lambda problem: problem.position):
            self._report.problem(problem)

    def _count(self, amount: int, state: str, times: int = 1) -> None:
        self._counts[state] += times
        self._amounts[state] += amount * times


async def _past_reasons(bank: Bank, part: Part[None]) -> dict[bytes, Reason]:
    """Ask why payments of a part had been rejected or had run out before it was sent again."""
    told = {declined.index for declined in part.response.declined}
    ids = [
        part.instructions[index].id
        for index, state in enumerate(part.response.states)
        if STATE_NAMES[state] in ("rejected", "expired", "declined") and index not in told
    ]
    return {status.id: status.reason for status in await bank.status(ids)} if ids else {}


def _problem(instruction: Instruction, state: str, reason: Reason) -> Problem:
    return Problem.of(
        instruction, state, rule=reason.code or reason.detail, hint=reason.detail.replace("_", " ")
    )
