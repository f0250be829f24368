"""A module for Lua 5.4.

    epy build NAME.py
    LUA_CPATH='./?.so' lua5.4 -e 'print(require("NAME").shout("hello"))'

The header comes with the package liblua5.4-dev.
"""

import epy

lua = epy.header("lua5.4/lua.h")


def shout(text: str) -> str:
    return text.upper() + "!"


def lua_shout(state):
    """What Lua calls: arguments are on its stack from 1 on, results are pushed there."""
    text = lua.lua_tolstring(state, 1, None)
    if text is None:
        lua.lua_pushstring(state, b"shout takes a string")
        return epy.tail_call(lua.lua_error, state)  # a Lua error leaves this function
    lua.lua_pushstring(state, shout(text.decode()).encode())
    return 1  # how many results


FUNCTIONS = {b"shout": lua_shout}


# Lua looks for luaopen_X, where X is the name that `require` was given.
@lua.export(like="lua_CFunction")
def luaopen_NAME(state):
    lua.lua_createtable(state, 0, len(FUNCTIONS))
    for name, function in FUNCTIONS.items():
        lua.lua_pushcclosure(state, function, 0)
        lua.lua_setfield(state, -2, name)
    return 1
