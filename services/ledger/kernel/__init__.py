"""The ledger's state machine: pure functions over plain values, no input and no output."""
