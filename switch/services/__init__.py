"""The servicers of the contract's small services, one a noun; payments have their own module."""
