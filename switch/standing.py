"""Where payments stand, as their own parties may know it.

The state comes from the ledger. Of a declined payment the ledger keeps only that its id is spent
and why; whose it was and its amount are asked of the database, once that has caught up.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from payvand.core.engine import Engine
from payvand.core.records import U128, Records
from payvand.settlement.database import Pool, as_amount
from payvand.switch.routing import Route
from payvand.switch.translate import (
    OWN_BIT,
    STATE_OF_LEDGER,
    TIMED_OUT,
    ReasonBook,
    reason_code,
)
from payvand.v1.payment_pb2 import PaymentState, Reason
from payvand.v1.payment_service_pb2 import PaymentStatus

__all__ = ["concerns", "find", "id_column", "is_payment", "same_content", "statuses"]

ID_BYTES: Final = 16
KINDS_BELOW: Final = 10
_REJECTED: Final = PaymentState.PAYMENT_STATE_REJECTED
_EXPIRED: Final = PaymentState.PAYMENT_STATE_EXPIRED
_DECLINED: Final = PaymentState.PAYMENT_STATE_DECLINED


def id_column(ids: Sequence[bytes]) -> Records:
    """Return ids of the contract as U128[n]; what isn't 16 bytes becomes 0, which nothing has."""
    joined = b"".join(
        identity if len(identity) == ID_BYTES else bytes(ID_BYTES) for identity in ids
    )
    words = np.frombuffer(joined, ">u8").reshape(-1, 2)
    column = np.empty(len(words), U128)
    column["hi"] = words[:, 0]
    column["lo"] = words[:, 1]
    return column


def concerns(accounts: Records, participant: Route) -> npt.NDArray[np.bool_]:
    """Tell which of *accounts* are the participant's position."""
    ours: npt.NDArray[np.bool_] = (accounts["lo"] == participant.position) & (accounts["hi"] == 0)
    return ours


def is_payment(transfers: Records) -> npt.NDArray[np.bool_]:
    """Tell which transfers are payments, and not the switch's or an operator's own."""
    yes: npt.NDArray[np.bool_] = (transfers["id"]["hi"] & OWN_BIT == 0) & (
        transfers["code"] < KINDS_BELOW
    )
    return yes


def same_content(record: Records, original: Records) -> bool:
    """Tell whether a payment is the one that was recorded under its id."""
    return all(
        record[name] == original[name]
        for name in (
            "debit_account_id",
            "amount",
            "user_data_128",
            "user_data_64",
            "ledger",
            "code",
        )
    )


async def find(engine: Engine, ids: Records) -> tuple[Records, npt.NDArray[np.intp]]:
    """Return the transfers of *ids* that exist, and for each its place in *ids*."""
    found = await engine.lookup_transfers(ids)
    if len(found) == len(ids):
        return found, np.arange(len(ids), dtype=np.intp)
    places = np.empty(len(found), np.intp)
    wanted = ids.tolist()
    place = -1
    for index, identity in enumerate(found["id"].tolist()):
        place = wanted.index(identity, place + 1)
        places[index] = place
    return found, places


async def statuses(
    engine: Engine,
    pool: Pool,
    ids: Sequence[bytes],
    participant: Route,
    reasons: ReasonBook,
    catch_up: Callable[[], Awaitable[None]],
) -> list[PaymentStatus]:
    """Return where the payments of *ids* stand, for those that *participant* is party to.

    *catch_up* waits until the database is as far as the ledger; where it fails, so does this.
    """
    column = id_column(ids)
    found, places = await find(engine, column)
    known = await engine.states(column)
    answers = [
        PaymentStatus(id=identity, state=PaymentState.PAYMENT_STATE_UNKNOWN) for identity in ids
    ]
    ours = is_payment(found) & (
        concerns(found["debit_account_id"], participant)
        | concerns(found["credit_account_id"], participant)
    )
    found, places = found[ours], places[ours]
    rejected = []
    amounts, moments = found["amount"]["lo"].tolist(), found["timestamp"].tolist()
    for place, amount, moment in zip(places.tolist(), amounts, moments, strict=True):
        status = answers[place]
        status.state = STATE_OF_LEDGER[known["state"][place]]
        status.amount = amount
        status.recorded_at = moment
        if status.state == _EXPIRED:
            status.reason.CopyFrom(TIMED_OUT)
        elif status.state == _REJECTED:
            rejected.append(place)
    await _tell_rejections(engine, column, answers, rejected)
    failed = np.flatnonzero(np.array(STATE_OF_LEDGER)[known["state"]] == _DECLINED).tolist()
    if failed:
        await catch_up()
        await _tell_failures(pool, known, answers, failed, participant, reasons)
    return answers


async def _tell_rejections(
    engine: Engine, ids: Records, answers: list[PaymentStatus], rejected: list[int]
) -> None:
    """Fill in the reasons that creditors' banks gave."""
    if not rejected:
        return
    own = ids[rejected].copy()
    own["hi"] |= OWN_BIT
    # Each was voided, by the transfer of this id alone: all of them are found.
    for place, transfer in zip(rejected, await engine.lookup_transfers(own), strict=True):
        answers[place].reason.CopyFrom(
            Reason(code=reason_code(int(transfer["user_data_32"])), detail="rejected_by_creditor")
        )


async def _tell_failures(
    pool: Pool,
    known: Records,
    answers: list[PaymentStatus],
    failed: list[int],
    participant: Route,
    reasons: ReasonBook,
) -> None:
    """Fill in the declined payments that the participant submitted itself."""
    places = {UUID(bytes=answers[place].id): place for place in failed}
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT id, amount, timestamp FROM books.failure "
            "WHERE burned AND id = ANY($1) AND debit_account_id = $2 AND flags & 12 = 0",
            *(list(places), participant.position),
        )
    for row in rows:
        status = answers[places[row["id"]]]
        state = known[places[row["id"]]]
        status.state = _DECLINED
        status.reason.CopyFrom(reasons.reason(int(state["status"]), int(state["decision"])))
        status.amount = as_amount(row["amount"])
        status.recorded_at = row["timestamp"]
