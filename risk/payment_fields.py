"""What features and expressions may ask of a payment, since the ledger knows it."""

__all__ = ["PAYMENT_FIELDS"]

PAYMENT_FIELDS = ("debtor", "creditor", "amount", "code", "ledger", "debtor_bank", "creditor_bank")
"""Keys of the two accounts, the amount in minor units, the kind of payment, the ledger of its
currency, and the numbers of the two participants. `scoring.pyx` reads them in this order."""
