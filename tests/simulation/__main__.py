"""Play simulations: `python -m tests.simulation FIRST [LAST]`; exit 1 where a law is broken."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.simulation.country import Country


def main() -> int:
    """Play the seeds of the arguments and tell each story."""
    first = int(sys.argv[1])
    last = int(sys.argv[2]) if len(sys.argv) > 2 else first
    broken = 0
    for seed in range(first, last + 1):
        folder = Path(tempfile.mkdtemp(prefix="payvand-simulation-"))
        begun = time.perf_counter()
        country = Country(seed, folder)
        try:
            verdict = country.play()
        except Exception as fault:
            broken += 1
            verdict = f"BROKEN {type(fault).__name__}: {fault}"
        finally:
            shutil.rmtree(folder)
        payments = sum(len(bank.sent) for bank in country.banks)
        print(
            f"seed {seed}: {payments} payments, {country.crashes} crashes, "
            f"{country.torn_frames} frames in doubt, {country.weather}, "
            f"{time.perf_counter() - begun:.1f} s: {verdict}",
            flush=True,
        )
    return 1 if broken else 0


sys.exit(main())
