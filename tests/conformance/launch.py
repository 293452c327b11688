"""The command itself: says what is missing before anything is run."""

import sys


def main() -> int:
    """Run the suite; 0 where every requirement that was tried is met, 2 where it could not begin."""
    try:
        from .run import main as run
    except ModuleNotFoundError as missing:
        print(f"medtown-conformance needs {missing.name}: pip install pytest requests", file=sys.stderr)
        return 2
    return run()
