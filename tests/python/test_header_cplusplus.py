"""Headers of C++ with an interface for C."""

import ctypes
from typing import Any

import pytest

import epy

HEADER = """
#include <stddef.h>
enum class Color : unsigned char { red = 3 };
class Engine { int hidden; public: virtual ~Engine(); int speed() const; };
namespace inner { int not_here(int); }
#define LIMIT (sizeof(int) * 2)
extern "C" {
struct point { int x, y; };
typedef struct { Engine *engine; point at; } state;
int add(int a, int b = 2);
void drive(Engine *engine, const point &to);
}
extern "C" bool ready(Color color);
int mangled(int);
"""


@pytest.mark.parametrize(
    "host",
    [
        lambda: epy.header(HEADER, lang="c++"),
        lambda: epy.header('#ifndef __cplusplus\n#error "needs C++"\n#endif\n' + HEADER),
    ],
)
def test_what_is_for_c_is_there(host) -> None:
    host = host()
    assert ctypes.sizeof(host.state) == 16
    assert host.LIMIT == 8
    add = host.callback("add", lambda a, b: a + b)
    assert add(1, 2) == 3
    engine, to = host._classes.make(("*", host._function_type("drive", None)))._argtypes_
    assert (engine._type_.__name__, to._type_.__name__) == ("Engine", "point")
    with pytest.raises(epy.HeaderNameError, match="is a function of C"):
        host.callback("mangled", lambda a: a)
    with pytest.raises(epy.HeaderNameError, match="only pointers to it can be used"):
        host.struct.Engine()


def test_equal_names_in_different_scopes_are_different() -> None:
    host: Any = epy.header(
        """
struct first { struct inner { int a; }; typedef int number; enum class kind { A = 1 }; };
struct second { struct inner { double a; }; typedef double number; enum class kind { A = 2 }; };
namespace space { struct inner { char a; }; typedef char number; const int A = 3; }
template <class T> struct of { T a; };
struct inner { short a; };
typedef short number;
enum { A = 4 };
struct all {
    first::inner a; second::inner b; space::inner c; inner d;
    first::number e; second::number f; space::number g; number h;
    of<int> i; of<double> j;
};
""",
        lang="c++",
    )
    sizes = [ctypes.sizeof(ctype) for _, ctype in host.all._fields_ if not _.startswith("#")]
    assert sizes == [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
    assert (host.A, ctypes.sizeof(host.inner), ctypes.sizeof(host.number)) == (4, 2, 2)


def test_another_language_is_refused() -> None:
    with pytest.raises(epy.HeaderError, match=r'lang=\'d\'\): give "c" or "c\+\+"'):
        epy.header("int f(int);", lang="d")
