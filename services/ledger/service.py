"""Everything that the ledger answers: its queries, by as many replicas as one likes, and a partition's
writer.
"""

from services.ledger.accounts import queries as accounts
from services.ledger.currencies import queries as currencies
from services.ledger.journal import queries as journal
from services.ledger.proposals import queries as proposals
from services.ledger.schedules import queries as schedules
from services.ledger.transfers import export
from services.ledger.transfers import queries as transfers
from services.ledger.writer.writer import Writer
from shared.contracts import ledger as contract
from shared.messaging.service import Call, Service

SERVICE = Service(
    name=contract.SERVICE,
    calls={
        # What currencies there are, and by which rules, is public like the figures that follow from them.
        "get_currency": Call(currencies.get_currency, contract.ById, open_to_all=True),
        "list_currencies": Call(currencies.list_currencies, contract.Arguments, open_to_all=True),
        "get_charter": Call(currencies.get_charter, contract.GetCharter, open_to_all=True),
        "get_account": Call(accounts.get_account, contract.ById),
        "list_accounts": Call(accounts.list_accounts, contract.ListAccounts),
        "find_payees": Call(accounts.find_payees, contract.FindPayees),
        "get_holders": Call(accounts.get_holders, contract.GetHolders),
        "get_balance": Call(accounts.get_balance, contract.GetBalance),
        "get_transfer": Call(transfers.get_transfer, contract.ById),
        "list_account_transfers": Call(transfers.list_account_transfers, contract.ListAccountTransfers),
        "export_account_transfers": Call(export.export_account_transfers, contract.ExportAccountTransfers),
        "get_linked_transfers": Call(transfers.get_linked_transfers, contract.ById),
        "list_pending": Call(transfers.list_pending, contract.OfAccount),
        "get_proposal": Call(proposals.get_proposal, contract.ById),
        "list_proposals": Call(proposals.list_proposals, contract.ListProposals),
        "get_schedule": Call(schedules.get_schedule, contract.ById),
        "list_schedules": Call(schedules.list_schedules, contract.OfAccount),
        "list_events": Call(journal.list_events, contract.ListEvents),
        "journal_since": Call(journal.journal_since, contract.JournalSince),
    },
)


def writer_service(partition: int) -> Service:
    """The table of a partition's writer: only whoever holds the fence answers under this name.

    `decide` is open because each of its commands names the token that it is authorised by.
    """
    return Service(
        name=contract.writer_service(partition),
        audience=contract.AUDIENCE,
        calls={"decide": Call(Writer.handle, schema=None, open_to_all=True)},
    )
