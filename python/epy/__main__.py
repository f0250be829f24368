"""`python -m epy`: the command line without a script on PATH."""

import sys

from ._cli import main

sys.exit(main())
