"""Headers of C++ with an interface for C."""

import ctypes

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


def test_another_language_is_refused() -> None:
    with pytest.raises(epy.HeaderError, match=r'lang=\'d\'\): give "c" or "c\+\+"'):
        epy.header("int f(int);", lang="d")
