"""The language C: text -> definitions, by Clang in a process of its own; ctypes -> C text."""
