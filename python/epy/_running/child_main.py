"""The main module of a process that `multiprocessing` starts for plugins: see children.py."""

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if _PACKAGE not in sys.path:
    sys.path.append(_PACKAGE)  # a plugin may have been built by an epy that its Python has not

from epy._running.children import begin  # noqa: E402  # from that folder

__getattr__ = begin()
