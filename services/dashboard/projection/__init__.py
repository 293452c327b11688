"""From the ledger's journal to the sums that figures are made of."""
