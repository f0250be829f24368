"""The language C: text -> tokens -> declarations -> definitions; ctypes -> C text."""
