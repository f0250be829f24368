"""A module for Lua 5.4: `require("check").add(40, 2)`."""

from ctypes import CDLL, CFUNCTYPE, c_char_p, c_int, c_longlong, c_void_p

import epy

LuaFunction = CFUNCTYPE(c_int, c_void_p)

lua = CDLL(None)  # the program itself, or the liblua that it runs on


@epy.on_load
def declare_functions():
    lua.lua_tointegerx.argtypes = [c_void_p, c_int, c_void_p]
    lua.lua_tointegerx.restype = c_longlong
    lua.lua_pushinteger.argtypes = [c_void_p, c_longlong]
    lua.lua_pushcclosure.argtypes = [c_void_p, LuaFunction, c_int]
    lua.lua_createtable.argtypes = [c_void_p, c_int, c_int]
    lua.lua_setfield.argtypes = [c_void_p, c_int, c_char_p]


@epy.callback(LuaFunction)
def add(state):
    total = lua.lua_tointegerx(state, 1, None) + lua.lua_tointegerx(state, 2, None)
    lua.lua_pushinteger(state, total)
    return 1


@epy.export("int luaopen_check(void *state)")
def luaopen_check(state):
    lua.lua_createtable(state, 0, 1)
    lua.lua_pushcclosure(state, add, 0)
    lua.lua_setfield(state, -2, b"add")
    return 1
