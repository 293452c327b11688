"""The benchmark: how fast the ledger is beside pgbench on the same server. `make bench`; no test."""
