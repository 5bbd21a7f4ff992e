"""The commands of bills, from a file of bills to the payment of one, over a real switch."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner

from payvand.switch.cli import main
from tests.support.fee_town import PAYER, FeeTown, Play


def test_a_file_of_bills_is_issued_found_and_paid_by_commands(play: Play, tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(
        "reference,service,payer_id,fee,amount,file_code,period\n"
        f"a-1,fine,{PAYER},fine,1000000,1234567,04\n"
        f"a-2,fine,{PAYER},nothing,5,,\n"
    )

    async def scene(town: FeeTown) -> None:
        address = town.town.switch.address.address
        certificates = town.town.certificates

        async def run(holder: str, *arguments: str, exit_code: int = 0) -> dict[str, object]:
            town.town.bank(holder)  # which has its certificate from then on
            folder = str(certificates / holder)
            options = ["--address", address, "--certificates", folder, "--json"]
            result = await asyncio.to_thread(
                CliRunner().invoke, main, ["fees", "bills", *arguments, *options]
            )
            assert result.exit_code == exit_code, result.stderr
            told: dict[str, object] = json.loads(result.stdout)
            return told

        issued = await run("tax", "issue", str(file), exit_code=1)
        first, second = issued["bills"]  # type: ignore[misc]
        assert (issued["issued"], second["rule"]) == (1, "fee.unknown")
        assert first["bill_id"].startswith("1234567")
        (bill,) = (await run("melli", "find", "--payer", PAYER))["bills"]  # type: ignore[misc]
        assert (bill["number"], bill["outstanding"]) == (first["number"], "1000000")
        account = town.town.account("melli")
        paid = await run("melli", "pay", bill["number"], "--from", account)
        assert paid["state"] == "settled"
        again = await run("melli", "pay", bill["number"], "--from", account, exit_code=1)
        assert again["state"] == "refused"
        (act,) = (await run("tax", "acts", bill["number"]))["acts"]  # type: ignore[misc]
        assert (act["what"], act["amount"]) == ("paid", "1000000")

    play(scene)
