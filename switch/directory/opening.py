"""Opening the directory of a switch: filled from the database before anybody asks."""

from collections.abc import Callable

import structlog

from payvand.settlement.database import Pool
from payvand.switch.directory.directory import Directory
from payvand.switch.directory.registrar import Registrar
from payvand.switch.directory.servicer import DirectoryServicer
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.participants import Registry
from payvand.switch.rule_changes.rules_in_force import RulesInForce

__all__ = ["open_directory"]

log = structlog.get_logger("payvand.switch")


async def open_directory(
    pool: Pool, registry: Registry, tables: RulesInForce, clock: Callable[[], int]
) -> DirectoryServicer:
    """Fill a directory from the database and return what serves it.

    Args:
        pool: the database, its schema brought up to date.
        registry: who holds which bank code, as of the call.
        tables: who issues which cards, as of the call.
        clock: nanoseconds since 1970.
    """

    def holder(bank_code: int) -> str | None:
        route = registry.routing.by_bank_code.get(f"{bank_code:03}")
        return route.name if route is not None else None

    def issuer(card: str) -> str | None:
        try:
            return holder(int(tables.rulebook.banks.issuer(card, tables.day).bank.code))
        except IdentifierError:
            return None

    registrar = Registrar(pool, Directory(holder, issuer=issuer), clock)
    aliases = await registrar.load()
    log.info("directory loaded", aliases=aliases)
    return DirectoryServicer(registrar, registry, clock)
