"""Scripts of plugins that the tests of several files build."""

ADD = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""

ADD_AND_ONE = (
    ADD
    + """
@epy.export(error=-2)
def one() -> c_int:
    return 1
"""
)

COUNTER = """
import epy
from ctypes import c_int

count = 0

@epy.export(error=-1)
def count_up() -> c_int:
    global count
    count += 1
    return count
"""

COMPILED = """
import epy

@epy.export("double scale(double x, double k)", jit=True)
def scale(x, k):
    return x * k

@epy.export("int divide(int a, int b)", jit=True, error=-1)
def divide(a, b):
    return a // b
"""

# To be built with --editable, and to be replaced by another script before `again`.
AGAIN = """
import epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_void_p

@epy.export(error=-1)
def again() -> c_int:
    epy.reload()
    return 1

@epy.export
def start() -> c_int:
    return 0
"""

GET = (
    AGAIN
    + """
def act(x):
    return x + 1

@epy.export(CFUNCTYPE(CFUNCTYPE(c_int, c_int)))
def get():
    return act
"""
)
"""`get` gives the host a function, which is the same one each time."""
