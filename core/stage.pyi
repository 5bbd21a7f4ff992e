class Stage:
    """Allow every transfer; the base of stages that do more."""
