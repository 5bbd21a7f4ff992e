"""A sandbox government service: receives fees, and knows which bills they pay."""

from dataclasses import replace

from payvand.switch.sandbox.participant import Participant, Standing

__all__ = ["SandboxAgency"]


class SandboxAgency(Participant):
    """A service whose accounts take fees; the switch settles them without its answer."""

    def standing(self) -> Standing:
        """Return how the book stands now, with the bills that were paid."""
        bills = self.book.bills
        return replace(
            super().standing(), bills=len(bills), bills_paid_again=bills.total() - len(bills)
        )
