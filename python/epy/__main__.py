"""`python -m epy`: the command line without a script on PATH."""

import sys

from ._command.cli import main

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder, from which no plugin will import either
sys.exit(main())
