"""How hard the property tests search: `fast` in `make test`, `soak` where PAYVAND_SOAK is 1.

The fixtures that every folder may use are named here as well.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.support import progress
from tests.support.postgres import database, postgres_server

__all__ = ["database", "postgres_server"]

FAST_EXAMPLES = 100
SOAK_EXAMPLES = 10_000

# A shared machine stalls at times; a slow example is no fault, a wrong one is.
_CALM = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "fast", max_examples=FAST_EXAMPLES, deadline=None, suppress_health_check=_CALM
)
settings.register_profile(
    "soak", max_examples=SOAK_EXAMPLES, deadline=None, suppress_health_check=_CALM
)
settings.load_profile("soak" if progress.SOAK else "fast")


def pytest_configure(config: pytest.Config) -> None:
    """Let long runs say how far they have come."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        progress.speak_within(capture.global_and_fixture_disabled)
