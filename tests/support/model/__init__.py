"""The ledger's rules a second time: slow, obvious, and written apart from the kernel."""
