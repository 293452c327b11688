"""`python -m conformance --url URL --token TOKEN`, where this folder has been copied alone."""

import sys

from .launch import main

sys.exit(main())
