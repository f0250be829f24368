"""An addon for Node: functions of JavaScript in Python, for the main thread and for each Worker."""

from ctypes import c_double, c_size_t

import epy

node = epy.header("node_api.h")
calls = 0


def checked(status):
    if status != node.napi_ok:
        raise RuntimeError(f"Node says {status!r}")


def numbers(env, info, most):
    """The arguments of a call."""
    count, values = c_size_t(most), (node.napi_value * most)()
    checked(node.napi_get_cb_info(env, info, count, values, None, None))
    for value in values[: count.value]:
        number = c_double()
        checked(node.napi_get_value_double(env, value, number))
        yield number.value


def thrown(function):
    """An exception of Python's becomes one of JavaScript's."""

    def run(env, info):
        try:
            status, value = node.napi_create_double(env, function(env, info), epy.out)
            checked(status)
            return value
        except Exception as error:
            node.napi_throw_error(env, None, f"{type(error).__name__}: {error}")
            return None

    return run


@thrown
def add(env, info):
    global calls
    calls += 1
    return sum(numbers(env, info, 8))


@thrown
def count(env, info):
    return calls


@node.export(like="napi_addon_register_func")
def napi_register_module_v1(env, exports):
    for name, function in {"add": add, "count": count}.items():
        status, value = node.napi_create_function(
            env, name, node.NAPI_AUTO_LENGTH, function, None, epy.out
        )
        checked(status)
        checked(node.napi_set_named_property(env, exports, name, value))
    return exports


@epy.on_unload
def leave():
    print("unloaded after", calls, flush=True)
