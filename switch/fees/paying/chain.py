"""The transfers of a payment, gathered as columns: one linked chain for each payment.

A batch of chains is made into records at once, since a record of numpy filled field by field costs
more than all the rest.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.records import TRANSFER, Records, TransferFlags

__all__ = ["Chains"]

_LOW: Final = 0xFFFF_FFFF_FFFF_FFFF
_LINKED: Final = int(TransferFlags.LINKED)


class Chains:
    """Chains of transfers of one ledger, one behind the other."""

    def __init__(self, ledger: int) -> None:
        """Begin with none."""
        self._ledger = ledger
        self._id_hi: list[int] = []
        self._id_lo: list[int] = []
        self._debit: list[int] = []
        self._credit: list[int] = []
        self._amount: list[int] = []
        self._data_hi: list[int] = []
        self._data_lo: list[int] = []
        self._data_64: list[int] = []
        self._data_32: list[int] = []
        self._code: list[int] = []
        self._flags: list[int] = []
        self._payloads: list[bytes] = []
        self._payload_places: list[int] = []

    def __len__(self) -> int:
        """Return how many transfers there are."""
        return len(self._code)

    def add(
        self,
        identity: int,
        debit: int,
        credit: int,
        amount: int,
        code: int,
        *,
        data_128: int = 0,
        data_64: int = 0,
        data_32: int = 0,
        payload: bytes = b"",
    ) -> None:
        """Add a transfer that is linked to the next; `end` the chain behind its last."""
        self._id_hi.append(identity >> 64)
        self._id_lo.append(identity & _LOW)
        self._debit.append(debit)
        self._credit.append(credit)
        self._amount.append(amount)
        self._data_hi.append(data_128 >> 64)
        self._data_lo.append(data_128 & _LOW)
        self._data_64.append(data_64)
        self._data_32.append(data_32)
        self._code.append(code)
        self._flags.append(_LINKED)
        if payload:
            self._payload_places.append(len(self._code) - 1)
            self._payloads.append(payload)

    def end(self) -> None:
        """End the chain."""
        self._flags[-1] = 0

    def records(self) -> tuple[Records, bytes, npt.NDArray[np.uint32]]:
        """Return all transfers, their payloads, and where each one's begins."""
        count = len(self._code)
        records = np.zeros(count, TRANSFER)
        records["id"]["hi"] = self._id_hi
        records["id"]["lo"] = self._id_lo
        records["debit_account_id"]["lo"] = self._debit
        records["credit_account_id"]["lo"] = self._credit
        records["amount"]["lo"] = self._amount
        records["user_data_128"]["hi"] = self._data_hi
        records["user_data_128"]["lo"] = self._data_lo
        records["user_data_64"] = self._data_64
        records["user_data_32"] = self._data_32
        records["ledger"] = self._ledger
        records["code"] = self._code
        records["flags"] = self._flags
        lengths = np.zeros(count, np.uint32)
        lengths[self._payload_places] = [len(payload) for payload in self._payloads]
        offsets = np.zeros(count + 1, np.uint32)
        np.cumsum(lengths, out=offsets[1:])
        return records, b"".join(self._payloads), offsets
