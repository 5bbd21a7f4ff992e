"""`payvand redenomination rehearse` on a folder whose engine runs, and on one at rest."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

from payvand.core.engine import Engine
from payvand.core.records import ACCOUNT, TRANSFER, u128_array
from payvand.switch.cli import main


def rehearse(data: Path) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["redenomination", "rehearse", "--data", str(data), "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def files_of(data: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (data / "journal").iterdir()
    }


def test_a_folder_is_rehearsed_while_its_engine_runs_and_not_changed(tmp_path: Path) -> None:
    async def scene() -> None:
        engine = await Engine.open(tmp_path / "journal")
        accounts = np.zeros(3, ACCOUNT)
        accounts["id"] = u128_array([1, 17, 33])
        accounts["ledger"], accounts["code"] = 364, [3, 1, 1]
        await engine.create_accounts(accounts)
        transfers = np.zeros(2, TRANSFER)
        transfers["id"] = u128_array([1, 2])
        transfers["debit_account_id"] = u128_array([1, 1])
        transfers["credit_account_id"] = u128_array([17, 33])
        transfers["amount"] = u128_array([12_345, 250])
        transfers["ledger"], transfers["code"] = 364, 11
        await engine.create_transfers(transfers)
        before = files_of(tmp_path)
        running = await asyncio.to_thread(rehearse, tmp_path)
        assert files_of(tmp_path) == before
        await engine.close()
        before = files_of(tmp_path)
        assert rehearse(tmp_path) == running
        assert files_of(tmp_path) == before
        # 12,345 became 123 qeran (-45), 250 became 3 (+50), -12,595 became -126 (-5).
        assert running["holds"]
        assert (running["accounts"], running["rounded"]) == (3, 3)
        assert (running["residual_rials"], running["residual_account_qeran"]) == ("0", "0")

    asyncio.run(scene())


def test_a_folder_without_a_journal_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["redenomination", "rehearse", "--data", str(tmp_path)])
    assert result.exit_code == 2
