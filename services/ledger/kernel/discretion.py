"""What a refusal must not tell: from how much more an account could take or give, what is in it follows."""

from services.ledger.kernel import access
from services.ledger.kernel.state import State
from shared.auth.principal import Principal
from shared.contracts.errors import Refusal


def discreet(refusal: Refusal, state: State, principal: Principal) -> Refusal:
    """The refusal without what only those may know who see the account that it is about.

    It is so that refusals are stored, and told again.
    """
    if not refusal.problem.private:
        return refusal
    account = state.accounts.get(refusal.parameters["account"])
    if account is None or access.may_see(account.holder, account.terms, principal):
        return refusal
    told = {name: value for name, value in refusal.parameters.items() if name not in refusal.problem.private}
    return Refusal(refusal.slug, refusal.faults, **told)
