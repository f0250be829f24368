"""The modules of a script that runs again."""

from __future__ import annotations

import sys

from .._modules import drop_modules, finder, names_below


class Former:
    """The modules of a script that runs again."""

    __slots__ = ("loader", "modules", "places")

    def __init__(self, root: str) -> None:
        self.loader = finder.loaders[root]
        self.modules = {name: sys.modules[name] for name in names_below(root)}
        self.places = [
            fullname for loader, fullname in list(finder.places.values()) if loader is self.loader
        ]
        drop_modules(root)

    def put_back(self) -> None:
        root = self.loader.root
        drop_modules(root)
        finder.loaders[root] = self.loader
        for fullname in self.places:
            finder.place(self.loader, fullname)
        sys.modules.update(self.modules)
