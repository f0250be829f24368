"""A builtin for bash: `enable -f ./check.so check`, then `check 40 2` prints the sum."""

import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int

import epy

ENABLED = 1  # BUILTIN_ENABLED


class WordDesc(Structure):
    _fields_ = [("word", c_char_p), ("flags", c_int)]


class WordList(Structure):
    pass


WordList._fields_ = [("next", POINTER(WordList)), ("word", POINTER(WordDesc))]
Function = CFUNCTYPE(c_int, POINTER(WordList))


class Builtin(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("function", Function),
        ("flags", c_int),
        ("long_doc", POINTER(c_char_p)),
        ("short_doc", c_char_p),
        ("handle", c_char_p),
    ]


@epy.callback(Function, error=1)
def check(words):
    total = 0
    while words:
        total += int(words.contents.word.contents.word)
        words = words.contents.next
    print(total)
    return 0


usage = b"check NUMBER ..."
help_text = (c_char_p * 2)(b"Print the sum of the arguments.", None)
epy.export_data("check_struct", Builtin(b"check", check, ENABLED, help_text, usage, None))


@epy.export("int check_builtin_load(char *name)")
def check_builtin_load(name):
    return 1


@epy.export("void check_builtin_unload(char *name)")
def check_builtin_unload(name):
    print(f"{name.decode()}: unloaded", file=sys.stderr)
