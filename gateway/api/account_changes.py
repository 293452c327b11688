"""What may be changed of an account: its limits, tags, operators, and whether anything may move."""

from flask import Response

from gateway.api.accounts import address_of
from gateway.api.answers import blueprint
from gateway.api.reading import Reader
from gateway.api.writing import changed, described
from shared.contracts import ledger
from shared.contracts.commands import (
    ChangeLimits,
    CloseAccount,
    FreezeAccount,
    SetDelegate,
    TagAccount,
    UnfreezeAccount,
)
from shared.contracts.ledger_inputs import (
    ClosureInput,
    DelegateInput,
    FreezeInput,
    Input,
    LimitsInput,
    TagsInput,
    command_of,
)

part = blueprint(
    "changes of accounts", "Limits, tags, delegates, freezing and closing; each a command of its own."
)

_limits, _tags, _delegate = Reader(LimitsInput), Reader(TagsInput), Reader(DelegateInput)
_freeze, _unfreeze, _closure = Reader(FreezeInput), Reader(Input), Reader(ClosureInput)


@part.route("/accounts/<id:id>/limits", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Change an account's limits", **described(LimitsInput))
def change_limits(id: str) -> Response:
    """For operators. null goes back to the charter's limit, what is left out stays."""
    return changed(command_of(ChangeLimits, _limits.body(), account=id), address_of(id))


@part.route("/accounts/<id:id>/tags", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Tag an account", **described(TagsInput))
def tag_account(id: str) -> Response:
    """For operators: what purposes and indicators look at. null takes a tag away, what is left out stays."""
    return changed(command_of(TagAccount, _tags.body(), account=id), address_of(id))


@part.route("/accounts/<id:id>/delegates", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Let somebody else operate an account", **described(DelegateInput))
def set_delegate(id: str) -> Response:
    """For the holder and operators. Without rights, those given before are taken away."""
    return changed(command_of(SetDelegate, _delegate.body(), account=id), address_of(id))


@part.route("/accounts/<id:id>/freezes", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Freeze an account", **described(FreezeInput))
def freeze_account(id: str) -> Response:
    """For operators. Nothing goes out of it any more, or neither out nor in."""
    return changed(command_of(FreezeAccount, _freeze.body(), account=id), address_of(id))


@part.route("/accounts/<id:id>/unfreezes", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Unfreeze an account", **described(Input))
def unfreeze_account(id: str) -> Response:
    """For operators."""
    return changed(command_of(UnfreezeAccount, _unfreeze.body(), account=id), address_of(id))


@part.route("/accounts/<id:id>/closures", methods=["POST"])
@part.response(200, ledger.AccountChangeView)
@part.doc(summary="Close an account", **described(ClosureInput))
def close_account(id: str) -> Response:
    """For the holder and operators, for good. What is left goes to `remainder_to`; a debt, only by
    operators.
    """
    return changed(command_of(CloseAccount, _closure.body(), account=id), address_of(id))
