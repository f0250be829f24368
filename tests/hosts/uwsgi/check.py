"""A plugin for uWSGI: a procedure, `uwsgi.call(b"add1", b"2")`, and `add1` for applications.

As `early` it has Python running before uWSGI's own, as `late` after it.
"""

from ctypes import c_int, memmove

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

uwsgi = epy.header("uwsgi.h", errors={"int": -1})


def on_load():
    """Python runs now."""


def register():
    uwsgi.uwsgi_register_rpc(b"add1", early, 0, None)


def call_procedure(function, count, texts, lengths, answer):
    text = f"{int(texts[0]) + 1} by {NAME}".encode()
    answer[0] = memory = uwsgi.uwsgi_malloc(len(text))
    memmove(memory, text, len(text))
    return len(text)


@epy.export(error=-1)
def add1(number: c_int) -> c_int:
    return number + 1


early = uwsgi.uwsgi_plugin(name="early", on_load=on_load, init_apps=register, rpc=call_procedure)
late = uwsgi.uwsgi_plugin(name="late", init_apps=register, rpc=call_procedure)
epy.export_data("early_plugin", early)
epy.export_data("late_plugin", late)
