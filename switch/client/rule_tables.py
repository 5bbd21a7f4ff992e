"""The tables of rules, from the operator's side: import, compare, restore, and read."""

from typing import Any

import grpc.aio

from payvand.client.approvals import Call
from payvand.client.payment_id import new_payment_id
from payvand.v1.rule_table_service_pb2 import (
    CompareVersionRequest,
    CompareVersionResponse,
    GetRulebookRequest,
    GetRulebookResponse,
    GetVersionRequest,
    GetVersionResponse,
    ImportTableRequest,
    ImportTableResponse,
    ListVersionsRequest,
    ListVersionsResponse,
    RestoreVersionRequest,
    RestoreVersionResponse,
    RuleTableVersion,
    TableInForce,
)
from payvand.v1.rule_table_service_pb2_grpc import RuleTableServiceStub

__all__ = ["RuleTables"]


class RuleTables:
    """The tables of rules of a switch; from `Operator.rule_tables`. Times in ns since 1970."""

    def __init__(self, channel: grpc.aio.Channel, call: Call) -> None:
        """Ask over *channel* by *call*."""
        self._service: Any = RuleTableServiceStub(channel)
        self._call = call

    async def take(
        self,
        table: str,
        text: str,
        *,
        reason: str,
        due_at: int = 0,
        on_call: bool = False,
        expires_at: int = 0,
        check_only: bool = False,
        id: bytes | None = None,
    ) -> ImportTableResponse:
        """Take in the TOML *text* of *table* and propose it; the reply tells its faults, if any.

        Args:
            table: `banks`, `holidays`, `rails`, `services` or `tariffs`.
            text: the whole table.
            reason: for the second operator.
            due_at: when it comes in force once approved; 0 for at once.
            on_call: it comes in force when an operator says so, after the approval.
            expires_at: until when it can be decided; 0 for 7 days.
            check_only: tell its faults and do nothing else.
            id: 16 bytes, to make the call again later: the same id proposes once.
        """
        request = ImportTableRequest(
            id=id or new_payment_id(),
            table=table,
            text=text,
            reason=reason,
            due_at=due_at,
            on_call=on_call,
            expires_at=expires_at,
            check_only=check_only,
        )
        reply: ImportTableResponse = await self._call(self._service.ImportTable, request)
        return reply

    async def restore(
        self,
        table: str,
        *,
        reason: str,
        number: int = 0,
        due_at: int = 0,
        id: bytes | None = None,
    ) -> RuleTableVersion:
        """Propose to go back to the version *number*, or to the one in force before this one."""
        request = RestoreVersionRequest(
            id=id or new_payment_id(), table=table, number=number, reason=reason, due_at=due_at
        )
        reply: RestoreVersionResponse = await self._call(self._service.RestoreVersion, request)
        return reply.version

    async def compare(self, number: int, *, at: int = 0) -> CompareVersionResponse:
        """Return what a version changes, and what that would do to live traffic."""
        reply: CompareVersionResponse = await self._call(
            self._service.CompareVersion, CompareVersionRequest(number=number, at=at)
        )
        return reply

    async def versions(
        self, table: str = "", *, count: int = 100, before: int = 0
    ) -> list[RuleTableVersion]:
        """Return up to *count* (at most 1,000) versions, newest first, numbered below *before*."""
        reply: ListVersionsResponse = await self._call(
            self._service.ListVersions,
            ListVersionsRequest(table=table, page_size=count, before=before),
        )
        return list(reply.versions)

    async def version(self, number: int) -> GetVersionResponse:
        """Return one version with its text."""
        reply: GetVersionResponse = await self._call(
            self._service.GetVersion, GetVersionRequest(number=number)
        )
        return reply

    async def rulebook(self, *, at: int = 0) -> list[TableInForce]:
        """Return the tables that are in force, or were at *at*."""
        reply: GetRulebookResponse = await self._call(
            self._service.GetRulebook, GetRulebookRequest(at=at)
        )
        return list(reply.tables)
