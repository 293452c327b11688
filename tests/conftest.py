"""Shared set-up of all tests."""

pytest_plugins = ["tests.support.fixtures"]
