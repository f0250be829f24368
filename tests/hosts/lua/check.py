"""A module for Lua 5.4: `require("check").add(40, 2)`."""

import epy

lua = epy.header("lua5.4/lua.h")


def add(state):
    total = lua.lua_tointegerx(state, 1, None) + lua.lua_tointegerx(state, 2, None)
    lua.lua_pushinteger(state, total)
    return 1


@lua.export(like="lua_CFunction")
def luaopen_check(state):
    lua.lua_createtable(state, 0, 1)
    lua.lua_pushcclosure(state, add, 0)
    lua.lua_setfield(state, -2, b"add")
    return 1
