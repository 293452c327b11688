"""Research logs of other currencies, replayed into the ledger by its ordinary commands."""
