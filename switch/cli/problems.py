"""What `payvand submit` prints: a line for each instruction that got nowhere, then the totals."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import click

from payvand.switch.cli.display import isolated, named, padded, said, told
from payvand.switch.cli.printing import JsonListing, amount_text, print_table
from payvand.switch.files import FileSummary, Instruction, LineError

__all__ = ["JsonReport", "Problem", "Report", "TextReport"]

Sums = dict[str, tuple[int, int]]
"""Count and sum of minor units by state."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An instruction that was refused, declined, rejected or expired."""

    line: int
    """Where it starts in the file; 0 where the parser cannot say."""
    position: int
    """Which instruction of the file it is, from 1."""
    end_to_end_id: str
    id: str
    """The payment's id in hexadecimal; empty where the instruction could not be read."""
    state: str
    field: str
    """The field that broke a rule, of a refused one."""
    rule: str
    """The rule that it broke, or the reason code."""
    hint: str

    @classmethod
    def unreadable(cls, error: LineError) -> "Problem":
        """Return the problem of an instruction that could not be read."""
        return cls(
            error.line,
            error.position,
            error.end_to_end_id,
            "",
            "refused",
            error.path,
            error.rule,
            error.hint,
        )

    @classmethod
    def of(
        cls, instruction: Instruction, state: str, *, field: str = "", rule: str, hint: str = ""
    ) -> "Problem":
        """Return the problem of an instruction that could be read."""
        return cls(
            instruction.line,
            instruction.position,
            instruction.end_to_end_id,
            instruction.id.hex(),
            state,
            field,
            rule,
            hint,
        )


class Report(Protocol):
    """Prints the course of a submission."""

    def begin(self, name: str, summary: FileSummary) -> None:
        """Print what the file holds."""

    def problem(self, problem: Problem) -> None:
        """Print a problem."""

    def end(self, states: Sums, *, seconds: float) -> None:
        """Print the totals."""


class TextReport:
    """For people."""

    def __init__(self) -> None:
        self._problems = 0

    def begin(self, name: str, summary: FileSummary) -> None:
        """Print what the file holds."""
        party = isolated(summary.initiating_party or "")
        click.echo(
            said(
                "{file}: {form} {message} {party}, {instructions} instructions, control sum {sum}",
                file=name,
                form=summary.form,
                message=summary.message_id,
                party=party,
                instructions=f"{summary.instructions:,}",
                sum=summary.control_sum,
            )
        )

    def problem(self, problem: Problem) -> None:
        """Print a problem."""
        self._problems += 1
        if problem.line:
            where = said("line {line}", line=problem.line)
        else:
            where = said("instruction {position}", position=problem.position)
        about = " ".join(filter(None, (problem.field, problem.rule)))
        hint = f"  ({isolated(told(problem.hint))})" if problem.hint else ""
        state = padded(named("payment_state", problem.state), 9)
        click.echo(f"{padded(where, 16)} {problem.end_to_end_id or '-':<24} {state} {about}{hint}")

    def end(self, states: Sums, *, seconds: float) -> None:
        """Print the totals."""
        print_table(
            ("state", "payments", "amount"),
            (
                (
                    named("payment_state", state),
                    f"{count:,}",
                    amount_text(amount) if state != "refused" else "",
                )
                for state, (count, amount) in sorted(states.items())
            ),
            numbers=1,
        )
        count = sum(count for count, _ in states.values())
        click.echo(
            said(
                "{instructions} instructions in {seconds} s, {problems} with a problem",
                instructions=f"{count:,}",
                seconds=f"{seconds:.2f}",
                problems=f"{self._problems:,}",
            )
        )


class JsonReport:
    """For scripts: one object."""

    def __init__(self) -> None:
        self._listing = JsonListing()

    def begin(self, name: str, summary: FileSummary) -> None:
        """Print what the file holds."""
        fields: dict[str, Any] = {"file": name} | asdict(summary)
        self._listing.begin(fields, "problems")

    def problem(self, problem: Problem) -> None:
        """Print a problem."""
        self._listing.item(asdict(problem))

    def end(self, states: Sums, *, seconds: float) -> None:
        """Print the totals and close the object."""
        payments = {
            state: {"count": count, "amount": str(amount)}
            for state, (count, amount) in sorted(states.items())
        }
        self._listing.end({"payments": payments, "seconds": round(seconds, 3)})
