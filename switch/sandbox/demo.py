"""A demo: a switch, its banks and its government services as processes, and a day between them.

    certificates ─► switch ─► onboarding, funding ─► the day's files ─► banks and services
        ─► every payment at its end ─► window closed ─► reckoning ─► all stopped ─► proofs

Whatever interrupts it, the data folder can be carried on from: the switch recovers from its
journal, each bank from its book, and the day from its folder (see `days`).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from payvand.client import Operator
from payvand.core.errors import PayvandFault
from payvand.settlement.database import connect
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.proof import Proof
from payvand.settlement.proofs import prove_all
from payvand.switch.cli.certificates import issue_all
from payvand.switch.cli.fund import prefund
from payvand.switch.cli.participants import put
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.identity import Role
from payvand.switch.sandbox.children import Child
from payvand.switch.sandbox.days import Day, next_day
from payvand.switch.sandbox.participant import Standing
from payvand.v1.operator_service_pb2 import SettlementWindow
