import numpy as np
import numpy.typing as npt

from payvand.core.effects import Effects
from payvand.core.records import Records

class RunningBalances:
    """How all accounts stand behind some effect: BALANCES[n], by the rows of the accounts.

    Takes over *table*. Rows beyond it are those of accounts opened later, which begin with nothing.
    """

    def __init__(self, table: Records) -> None: ...
    def take_back(
        self,
        effects: Effects,
        debit_rows: npt.NDArray[np.uint32],
        credit_rows: npt.NDArray[np.uint32],
    ) -> None:
        """Go back over the effects of a frame, with the rows of their accounts, u4[n] each."""
    def carry(
        self,
        effects: Effects,
        debit_rows: npt.NDArray[np.uint32],
        credit_rows: npt.NDArray[np.uint32],
    ) -> Records:
        """Go on over the effects of a frame → AFTER[n], the balances behind each."""
