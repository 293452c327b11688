"""The one table of refusals: what each slug means, its HTTP status and the sentences a reader gets.

A service answers a slug and parameters; the gateway makes RFC 9457 problem+json of it in the reader's
language. `title` and `detail` are English and the keys of the translations; `detail` names its parameters in
braces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal. `final` ones are decided by a currency's rules, stored, and answered again the
    same.

    `private` parameters are told only to who may see the account that is named by the parameter `account`;
    to others `brief` is said, which does without them. The first of them stands in `detail`.
    """

    slug: str
    status: int
    title: str
    detail: str
    final: bool = False
    private: tuple[str, ...] = ()
    brief: str = ""


class Fault(NamedTuple):
    """One field at fault: where it stands (RFC 6901 pointer), a code for programs, and what would be
    right.
    """

    pointer: str
    code: str
    detail: str


class Refusal(Exception):
    """A request refused: a slug of the table, its parameters, and the fields at fault."""

    def __init__(self, slug: str, faults: tuple[Fault, ...] = (), /, **parameters: Any) -> None:
        super().__init__(slug)
        self.slug = slug
        self.faults = faults
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"Refusal({self.slug!r}, {self.parameters!r})"

    @property
    def problem(self) -> Problem:
        return PROBLEMS[self.slug]

    @property
    def sentence(self) -> str:
        """The English sentence in which the parameters stand in braces: the brief one where some are kept
        private.
        """
        problem = self.problem
        is_brief = problem.private and problem.private[0] not in self.parameters
        return problem.brief if is_brief else problem.detail

    @property
    def detail(self) -> str:
        """The English sentence, with its parameters."""
        return self.sentence.format_map(_Lenient(self.parameters))

    def to_wire(self) -> dict[str, Any]:
        """The form in which it travels inside a reply."""
        wire: dict[str, Any] = {"slug": self.slug, "parameters": self.parameters}
        if self.faults:
            wire["faults"] = [list(fault) for fault in self.faults]
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Refusal":
        """What `to_wire` wrote; a slug of a later version becomes `internal-error`, keeping its name."""
        faults = tuple(Fault(*fault) for fault in wire.get("faults", ()))
        if wire["slug"] not in PROBLEMS:
            return cls("internal-error", faults, unknown_slug=wire["slug"])
        return cls(wire["slug"], faults, **wire.get("parameters", {}))


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


_TABLE = (
    # Decided by the rules of a currency: final, stored with the batch.
    Problem(
        "unknown-account", 422, "Unknown account", "No account {account} exists in this ledger.", final=True
    ),
    Problem(
        "same-account",
        422,
        "Same payer and payee",
        "Payer and payee are both {account}; name two accounts.",
        final=True,
    ),
    Problem(
        "wrong-currency",
        422,
        "Wrong currency",
        "The account {account} holds {held}, the transfer is in {currency}; use an account in {currency}.",
        final=True,
    ),
    Problem(
        "unknown-currency",
        422,
        "Unknown currency",
        "No currency {currency} exists in this ledger.",
        final=True,
    ),
    Problem(
        "insufficient-balance",
        422,
        "Insufficient balance",
        "{available} are available, {amount} are asked for; pay less or add to the balance first.",
        final=True,
        private=("available", "available_amount"),
        brief="The paying account has less than {amount} available; ask for less, or ask its holder.",
    ),
    Problem(
        "maximum-balance",
        422,
        "Above the payee's maximum balance",
        "The payee can take {room} more, {amount} are offered; pay less or choose another account.",
        final=True,
        private=("room", "room_amount"),
        brief="The payee cannot take all of the {amount} offered; pay less or choose another account.",
    ),
    Problem(
        "wrong-kind",
        422,
        "Not possible with these accounts",
        "A transfer of kind {kind} goes from {payer_kinds} to {payee_kinds} "
        "in a currency of kind {currency_kinds}.",
        final=True,
    ),
    Problem(
        "currency-exists",
        409,
        "Currency exists already",
        "The code {currency} is taken; choose another.",
        final=True,
    ),
    Problem(
        "too-much-to-count",
        422,
        "Too much to count",
        "The account {account} would hold more than can be counted; divide the amount.",
        final=True,
    ),
    Problem(
        "too-many-buckets",
        422,
        "Too many kinds of units",
        "The account {account} would hold more than {limit} kinds of units; spend some of them first.",
        final=True,
    ),
    Problem(
        "too-many-reservations",
        422,
        "Too many reservations",
        "The account {account} has {limit} reservations already; wait until one ends.",
        final=True,
    ),
    Problem(
        "spending-limit",
        422,
        "Above a spending limit",
        "{amount} are above the limit of {limit} ({period}); {left} are left of it.",
        final=True,
    ),
    Problem(
        "account-frozen",
        422,
        "Account frozen",
        "The account {account} is frozen; ask the currency's operator.",
        final=True,
    ),
    Problem(
        "account-closed",
        422,
        "Account closed",
        "The account {account} is closed; use another one.",
        final=True,
    ),
    Problem(
        "charter-forbids",
        422,
        "Not in the charter",
        "The charter of {currency} does not allow this: {kind}.",
        final=True,
    ),
    Problem(
        "below-minimum",
        422,
        "Below the minimum",
        "The charter of {currency} asks for at least {minimum}.",
        final=True,
    ),
    Problem(
        "unknown-transfer",
        422,
        "Unknown transfer",
        "There is no transfer {transfer} with which this can be done.",
        final=True,
    ),
    Problem(
        "not-pending",
        422,
        "Not pending",
        "The transfer {transfer} is no longer pending. Its state: {status}.",
        final=True,
    ),
    Problem(
        "more-than-reserved",
        422,
        "More than reserved",
        "{reserved} are reserved, {amount} are asked for; ask for less.",
        final=True,
    ),
    Problem(
        "more-than-paid",
        422,
        "More than was paid",
        "{left} of this payment can still go back, {amount} are asked for.",
        final=True,
    ),
    Problem("unknown-proposal", 422, "Unknown proposal", "There is no proposal {proposal}.", final=True),
    Problem(
        "proposal-settled",
        422,
        "Proposal settled",
        "Nothing is left to decide about the proposal {proposal}. Its state: {status}.",
        final=True,
    ),
    Problem(
        "second-person-needed",
        403,
        "A second person is needed",
        "Who proposed this cannot approve it too: ask another person who may.",
    ),
    Problem("unknown-schedule", 422, "Unknown schedule", "There is no schedule {schedule}.", final=True),
    Problem(
        "schedule-settled",
        422,
        "Schedule ended",
        "The schedule {schedule} has ended. Its state: {status}.",
        final=True,
    ),
    Problem("not-due", 409, "Not due", "This is not due yet, or has been done already."),
    Problem(
        "own-account",
        422,
        "The currency's own account",
        "The account {account} is the currency's own; name one that somebody holds.",
        final=True,
    ),
    Problem(
        "too-many-delegates",
        422,
        "Too many people operate this account",
        "{limit} people may operate the account {account} already; take the rights of one away first.",
        final=True,
    ),
    Problem(
        "account-in-charter",
        422,
        "Account named by the charter",
        "The charter of {currency} has fees or penalties paid into {account}; amend the charter first.",
        final=True,
    ),
    Problem(
        "remainder-needed",
        422,
        "Something is left in the account",
        "The account {account} is at {balance}; name the account that takes this over.",
        final=True,
    ),
    Problem(
        "reservations-open",
        422,
        "Amounts still reserved",
        "Amounts are reserved in the account {account}; wait until they are posted or voided.",
        final=True,
    ),
    Problem(
        "charter-contradicts",
        422,
        "The charter contradicts itself",
        "{clause}: {reason}",
        final=True,
    ),
    Problem(
        "charter-outdated",
        409,
        "Another version is next",
        "The next version of the charter of {currency} is {version}.",
        final=True,
    ),
    Problem("nothing-changes", 422, "Nothing changes", "It is so already; nothing was done.", final=True),
    Problem(
        "invalid-amount",
        422,
        "Invalid amount",
        "An amount is a whole number of minor units from 1 to 9007199254740991, not {amount}.",
    ),
    # About the command itself: not stored, the caller may mend it and send it again.
    Problem("id-reused", 409, "Id used already", "The id {id} belongs to another request; make a new one."),
    Problem(
        "id-out-of-window",
        422,
        "Id too old or too new",
        "The id {id} was made at {made_at}; ids are taken from 7 days before to 5 minutes after {now}.",
    ),
    Problem("late", 503, "Too late", "The request had until {not_after}; nothing was done. Send it again."),
    Problem(
        "clock-behind", 503, "Clock behind", "The ledger's clock is behind its last record; nothing was done."
    ),
    Problem(
        "partition-frozen", 503, "Ledger frozen", "The ledger takes no changes while it is being checked."
    ),
    Problem(
        "writer-unavailable", 503, "Ledger busy", "The ledger cannot write at the moment; nothing was done."
    ),
    Problem(
        "outcome-unknown",
        503,
        "Outcome unknown",
        "No answer came in time. What was done will stand at {address}; what does not stand there after "
        "{after} was not done. Sending the same request again does nothing twice.",
    ),
    # Who asks.
    Problem("not-signed-in", 401, "Not signed in", "Sign in first, or send a valid token."),
    Problem("wrong-credentials", 401, "Wrong e-mail address or password", "Check both and try again."),
    Problem("too-many-attempts", 429, "Too many attempts", "Wait {seconds} seconds before you try again."),
    Problem("not-permitted", 403, "Not permitted", "Your role does not allow this: {action}."),
    Problem(
        "wrong-origin", 403, "Wrong origin", "This request came from another site and was not carried out."
    ),
    # The request's form.
    Problem("invalid-request", 422, "Invalid request", "Some fields need a correction."),
    Problem("malformed-json", 400, "Malformed JSON", "The body could not be read as JSON: {reason}."),
    Problem("not-found", 404, "Not found", "There is nothing at this address."),
    Problem("method-not-allowed", 405, "Method not allowed", "This address takes {allowed}."),
    Problem("not-acceptable", 406, "Not acceptable", "This address answers {available}."),
    Problem("too-large", 413, "Too large", "The body may have at most {limit} bytes."),
    Problem("too-many-lines", 413, "Too many lines", "A bulk upload may have at most {limit} lines."),
    Problem("unsupported-media-type", 415, "Unsupported media type", "Send {expected}."),
    Problem(
        "idempotency-conflict", 409, "Idempotency key in use", "A request with this key has another content."
    ),
    Problem("too-many-requests", 429, "Too many requests", "Wait {seconds} seconds."),
    # Groups and discussions.
    Problem("members-only", 403, "For members only", "Only members of this group can do this: join first."),
    Problem("stewards-only", 403, "For stewards only", "Only the stewards of this group can do this."),
    Problem(
        "invitation-needed", 403, "Invitation needed", "This group is joined by invitation: ask its stewards."
    ),
    Problem(
        "last-steward",
        409,
        "Last steward",
        "A group that is open needs a steward: make another member steward first, or close the group.",
    ),
    Problem("group-closed", 409, "Group closed", "This group is closed: it can be read, but not changed."),
    Problem("deleted", 409, "Deleted", "This contribution has been deleted."),
    Problem(
        "changed-meanwhile",
        409,
        "Changed meanwhile",
        "Somebody has changed this since you read it: read it again, then change it.",
    ),
    Problem(
        "too-many-edits", 409, "Too many edits", "A contribution can be changed {limit} times: add a reply."
    ),
    # Files.
    Problem("empty-file", 422, "Empty file", "{name} has no content. Choose another file."),
    Problem(
        "incomplete-upload",
        422,
        "Incomplete upload",
        "The file did not arrive as it was sent; nothing was stored. Send it again.",
    ),
    Problem("malformed-form", 400, "Malformed form", "The form could not be read: {reason}."),
    Problem(
        "unsupported-file",
        415,
        "Kind of file not taken",
        "{name} is none of these: PDF, PNG, JPEG, GIF, WebP, Word, Excel, PowerPoint, OpenDocument, "
        "plain text, Markdown, CSV.",
    ),
    Problem(
        "damaged-file",
        422,
        "Damaged file",
        "{name} begins like {type}, but is cut off or damaged. Save it anew and send it again.",
    ),
    Problem(
        "wrong-file-type",
        422,
        "Not what its name says",
        "{name} was sent as {claimed}, but holds {type}. Give it the ending that fits what it holds.",
    ),
    Problem(
        "unsafe-file",
        422,
        "File not safe to open",
        "{name} is encrypted, holds macros, unpacks to too much or to places outside itself. "
        "Save it without these.",
    ),
    Problem(
        "storage-full",
        507,
        "No room for files",
        "There is no room for this file at the moment; nothing was stored. Try again later.",
    ),
    Problem(
        "too-many-versions",
        422,
        "Too many versions",
        "A document has at most {limit} versions; add this one as a new document.",
    ),
    Problem("document-deleted", 410, "Document deleted", "This document was deleted on {deleted_at}."),
    Problem(
        "grant-expired", 410, "Link expired", "This download link was good for a minute. Ask for it again."
    ),
    # The house.
    Problem(
        "email-taken",
        409,
        "E-mail address taken",
        "Somebody has registered with this e-mail address already.",
    ),
    Problem(
        "diverged",
        409,
        "Journal diverged",
        "The journal has no record with this position; rebuild from its start.",
    ),
    Problem("unknown-call", 404, "Unknown call", "The service {service} has no call {call}."),
    Problem(
        "service-unavailable",
        503,
        "Service unavailable",
        "The service {service} does not answer; try again soon.",
    ),
    Problem(
        "internal-error", 500, "Internal error", "Something went wrong on our side. It has been recorded."
    ),
)

PROBLEMS: Mapping[str, Problem] = {problem.slug: problem for problem in _TABLE}
