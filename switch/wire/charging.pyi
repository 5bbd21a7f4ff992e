from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.records import Records
from payvand.switch.rules.tariffs import Tariff

CHARGES_MAX: Final[int]
"""Charges on one payment."""
SWITCH_FEE_CODE: Final[int]
"""The code of transfers of switch fees."""
INTERCHANGE_CODE: Final[int]
"""The code of transfers of interchange."""

class ChargeTable:
    """The tariffs of one day, for one currency unit. Immutable."""

    tariffs: tuple[Tariff, ...]

    def __new__(
        cls,
        tariffs: Sequence[Tariff],
        charge_accounts: Mapping[str, int],
        kinds: Sequence[str],
        ledger: int,
    ) -> ChargeTable:
        """Compile *tariffs*.

        Args:
            tariffs: at most 4 for each kind of payment.
            charge_accounts: the charge account of each receiver that is named.
            kinds: the names of payments' kinds, from the one whose number is 1.
            ledger: payments of other ledgers cost nothing.
        """
    def charge(
        self, records: Records, offsets: npt.NDArray[np.uint32]
    ) -> tuple[Records, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
        """Return payments with the charges on them, as the chains that go into the books.

        Args:
            records: TRANSFER[n], payments.
            offsets: u4[n + 1], where each one's payload begins.

        Returns:
            TRANSFER[m], m from n to 5 n; their offsets, u4[m + 1]; and u4[n], where each payment
            stands among them.
        """
    def quote(self, kind: int, amount: int) -> list[tuple[Tariff, int]]:
        """Return (tariff, fee) for each charge on a payment, the fees greater than zero."""

def charge_ids(ids: Records) -> Records:
    """Return U128[n, 4], the ids of all charges that payments U128[n] may bear."""
