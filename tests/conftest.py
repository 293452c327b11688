"""Shared set-up of all tests."""

from hypothesis import settings

pytest_plugins = [
    "tests.support.fixtures",
    "tests.support.installations",
    "tests.support.composed",
    "tests.support.phases",
    "tests.support.tally",
]

# The same examples on every run, and no time limit per example: a slow machine is no fault of the code.
settings.register_profile("repeatable", deadline=None, derandomize=True)
# New examples on every run, and many (`make test-all`); what fails is printed so that it can be had again.
settings.register_profile("deep", deadline=None, max_examples=1000, derandomize=False, print_blob=True)
settings.load_profile("repeatable")
