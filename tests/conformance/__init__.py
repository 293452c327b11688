"""What any local-currency ledger with this API must do, as a black box. Needs nothing beside this folder."""
