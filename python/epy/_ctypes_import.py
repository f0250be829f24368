"""The import of ctypes: the core hears of it, and what nothing of it uses yet is not imported.

Its own code imports `os`, to ask for the name of the system, and `types`, for one class. Both are
imported when somebody asks for more: that is a seventh of a start whose script uses ctypes.
"""

import sys
from _frozen_importlib_external import PathFinder, SourceFileLoader

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

_KNOWN: "dict[str, dict[str, Any]]" = {
    "os": {"name": "posix"},
    "types": {"GenericAlias": type(list[int])},
}


def find_ctypes(finder: "Any") -> "ModuleSpec | None":
    """From where Python finds it; `finder` is that of scripts' modules, which has been asked."""
    spec = PathFinder.find_spec("ctypes")
    if spec is None:
        # Some other finder has it. Not asked before Python's own: this thread has the import lock,
        # and that of environments may run `site`, for whose .pth files another thread holds more.
        others = sys.meta_path[sys.meta_path.index(finder) + 1 :]
        spec = next(filter(None, (one.find_spec("ctypes", None) for one in others)), None)
    loader: Any = spec and spec.loader
    if loader is None:
        return None

    def exec_module(module: "ModuleType") -> None:
        del loader.exec_module
        code = loader.get_code("ctypes") if type(loader) is SourceFileLoader else None
        if code is None:
            loader.exec_module(module)
        else:
            _execute(code, module)
        _core.use_ctypes()
        loading: Any = sys.modules.get("epy._loading")
        if loading is not None:
            loading.follow(module)

    loader.exec_module = exec_module
    return spec


def _execute(code: "CodeType", module: "ModuleType") -> None:
    """As it is, but what is not imported is imported later, under a name that no script has."""
    later = {name: f"{name} of ctypes" for name in _KNOWN if name not in sys.modules}
    for name, private in later.items():
        sys.modules[private] = _imported_later(name)
    try:
        names = tuple(later.get(name, name) for name in code.co_names)
        exec(code.replace(co_names=names), module.__dict__)
    finally:
        for private in later.values():
            del sys.modules[private]


def _imported_later(name: str) -> "ModuleType":
    """What stands for a module, whose attributes are those of `_KNOWN` until others are needed."""
    made = type(sys)(name)

    def get(attribute: str) -> "Any":
        if attribute[:2] == "__":  # the import system looks at it
            raise AttributeError(attribute)
        return getattr(__import__(name), attribute)

    vars(made).update({**_KNOWN[name], "__getattr__": get})
    return made
