class Stage:
    """Allow every transfer; the base of stages that do more."""

    def save(self) -> bytes | None:
        """Return the state as bytes, for a snapshot; None to observe all frames again instead.

        Batches wait while this runs, so it must not take longer than a few of them.
        """
    def load(self, state: bytes) -> bool:
        """Take over what `save` returned.

        Returns False, and takes nothing, where that is of another configuration; then the stage
        observes all frames again.
        """
