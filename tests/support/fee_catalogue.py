"""A schedule set in force in a town as people do: drafted, reviewed, approved."""

from payvand.switch.identity import Role
from tests.support.town import Town

__all__ = ["set_in_force"]


async def set_in_force(town: Town, agency: str, text: str) -> int:
    """Set the TOML *text* in force for *agency*, and return its version's number."""
    clerk = town.office(f"maryam@{agency}", Role.AGENCY_CLERK)
    approver = town.office(f"reza@{agency}", Role.AGENCY_APPROVER)
    draft = (await clerk.draft(text, reason="a decree")).schedule
    digest = draft.proposal.digest
    await approver.review(draft.number, digest=digest)
    await town.office("sara", Role.TREASURY).approve(draft.number, digest=digest)
    return draft.number
