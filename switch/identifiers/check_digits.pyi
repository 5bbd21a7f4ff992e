"""Check digits over arrays of identifiers, without the GIL.

Each function takes one-dimensional arrays of NumPy's bytes (`S26` and the like; NUL bytes at the
end of an item are padding) and returns an array of truth values of the same length. Items of
any width are taken; `ValueError` for other arrays.
"""

import numpy as np
import numpy.typing as npt

def are_ibans(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]: ...
def are_cards(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]: ...
def are_national_ids(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]: ...
def are_bill_ids(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]: ...
def are_bills(
    bill_ids: npt.NDArray[np.bytes_], payment_ids: npt.NDArray[np.bytes_]
) -> npt.NDArray[np.bool_]: ...
