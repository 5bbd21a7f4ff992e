"""The compiled code under AddressSanitizer and UndefinedBehaviorSanitizer, by its own tests."""

from collections import deque

import pytest

from tests.soak import instrumented
from tests.support.progress import say

# The tests that run compiled code in this process; what starts a server or PostgreSQL adds nothing.
PARTS = {
    "ledger": ["tests/core", "--ignore", "tests/core/test_kill.py"],
    "scoring": ["tests/risk"],
    "settlement": ["tests/settlement/test_recount.py", "tests/settlement/test_copying.py"],
    "directory": ["tests/switch/directory", "tests/switch/identifiers", "tests/soak"],
}
LINES_OF_A_FINDING = 80


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", PARTS)
def test_no_sanitizer_has_anything_to_say(part: str) -> None:
    arguments = ["-m", "pytest", *PARTS[part], "-m", "not soak", "-p", "no:cacheprovider"]
    process = instrumented.start([*arguments, "-x", "-v", "--timeout", "3600"])
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=LINES_OF_A_FINDING)
    for line in process.stdout:
        last.append(line)
        if "::" in line:
            say(f"sanitizers, {part}: {line.strip()}")
    said = "".join(last)
    assert process.wait() == 0, said
    assert "runtime error:" not in said
    assert "AddressSanitizer" not in said
