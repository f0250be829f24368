"""`epy call` with structs and arrays as JSON, and with out-parameters."""

import pytest

SCRIPT = """
from ctypes import POINTER, Structure, c_char, c_double, c_int, c_void_p
import epy

class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]

class Shape(Structure):
    _fields_ = [("name", c_char * 8), ("corners", Point * 2), ("weight", POINTER(c_double))]

@epy.export
def moved(point: Point, by: POINTER(Point)) -> Point:
    return Point(point.x + by[0].x, point.y + by[0].y) if by else point

@epy.export
def heavy(shape: POINTER(Shape)) -> c_double:
    return sum(corner.x for corner in shape[0].corners) * shape[0].weight[0]

@epy.export("double total(const double *values, size_t count, double *mean)")
def total(values, count, mean):
    mean[0] = sum(values[:count]) / count
    return sum(values[:count])

@epy.export("int count(void *bytes, size_t size)")
def count(data, size):
    return sum(epy.view(data, size))

@epy.export("int version(void *text, size_t size)")
def version(text, size):
    epy.put("1.2", text, size)
    return 3

@epy.export("void squares(int *numbers, int count)")
def squares(numbers, count):
    for i in range(count):
        numbers[i] = i * i

@epy.export
def mean(values: epy.Buffer(c_double, "count"), count: c_int) -> c_double:
    return sum(values) / count

@epy.export
def zero(data: epy.Buffer(None, "count", writable=True), count: c_int) -> None:
    data[:] = b"0" * count

@epy.export
def fails(point: POINTER(Point)) -> Point:
    raise ValueError("not today")

box = epy.header(
    "struct box { double at[2]; struct { int a; } in; const char *name; };"
    "int grow(struct box *b, struct box *larger);"
)

@box.export
def grow(b, larger):
    larger.at = [b.at[0] * 2, b.at[1] * 2]
    larger.name = b.name + b"s"
    return getattr(b, "in").a

bits = epy.header(
    "struct bits { unsigned low : 3; int high : 5; union { int x; unsigned y; }; float ratio; };"
    "int turned(struct bits *bits, struct bits *other);"
    "struct open { int count; int items[]; }; int counted(struct open *open, struct open *other);"
)

@bits.export
def turned(bits, other):
    other.low, other.high, other.x, other.ratio = ~bits.low & 7, bits.high, bits.x, bits.ratio
    return bits.y

@bits.export
def counted(open, other):
    other.count = open.count + 1
    return open.count

class Narrow(Structure):
    _fields_ = [("low", c_int, 3)]

@epy.export
def narrow(p: POINTER(Narrow)) -> c_int:
    return p[0].low
"""


@pytest.fixture
def plugin(build_plugin):
    return build_plugin(SCRIPT)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("moved", '{"x": 1, "y": 2}', '{"x": 5}'), '{"x": 6, "y": 2}'),
        (("moved", "[1, 2]", '[{"y": -5}]'), '{"x": 1, "y": -3}'),
        (("moved", "[1]", "null"), '{"x": 1, "y": 0}'),
        (("heavy", '{"name": "box", "corners": [[1], [2]], "weight": [1.5]}'), "4.5"),
        (("total", "[1, 2, 3.5]", "3", "out"), "6.5\nmean = 2.1666666666666665"),
        (("count", "[1, 2, 3]", "3"), "6"),
        (("count", '"ab"', "2"), "195"),
        (("version", "out:16", "16"), "3\ntext = 1.2"),
        (("mean", "[1, 2.5, 4]", "3"), "2.5"),
        (("zero", "out:2", "2"), "data = 00"),
        (("squares", "out:4", "4"), "numbers = [0, 1, 4, 9]"),
        (
            ("grow", '{"at": [1, 2.5], "in": {"a": 3}, "name": "x"}', "out"),
            '3\nlarger = {"at": [2.0, 5.0], "in": {"a": 0}, "name": "xs"}',
        ),
        (
            ("turned", '{"low": 5, "high": -2, "x": 7, "ratio": 0.5}', "out"),
            '7\nother = {"low": 2, "high": -2, "x": 7, "y": 7, "ratio": 0.5}',
        ),
        (("narrow", '{"low": 3}'), "3"),
        (("counted", '{"count": 2, "items": []}', "out"), '2\nother = {"count": 3, "items": []}'),
        (("count", '"\\u00e4"', "2"), "359"),
        (("count", b'"\xff"', "1"), "255"),
    ],
)
def test_call(epy, plugin, arguments, printed):
    result = epy("call", plugin, *arguments)
    assert (result.stdout, result.stderr) == (f"{printed}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("moved", "{x: 1}", "null"), "point: '{x: 1}' is no JSON"),
        (("moved", "5", "null"), 'expected an object such as {"x": ..., "y": ...}'),
        (("moved", '{"xx": 1}', "null"), "Point has no field 'xx'; did you mean x?"),
        (("moved", '{"x": 1.5}', "null"), "point.x: 1.5 does not convert; expected a value for"),
        (("moved", '{"x": 3000000000}', "null"), "point.x: 3000000000 does not convert"),
        (("total", '["one"]', "1", "out"), 'values[0]: "one" does not convert'),
        (("heavy", '{"corners": [[1], [2], [3]]}'), "expected an array of at most 2"),
        (("heavy", '{"name": "much too long"}'), "expected at most 8 bytes"),
        (("count", "[300]", "1"), "expected text or a list of bytes for void *"),
        (("grow", '{"nmae": "x"}', "out"), "box has no field 'nmae'; did you mean name?"),
        (("moved", "[1]"), "takes 2 arguments, 1 given"),
        (("moved", "[" * 50_000, "null"), "point: '[[["),
        (("count", '"\\ud800"', "1"), "does not convert; expected characters"),
        (("grow", '{"name": "\\ud800"}', "out"), 'b[0].name: "\\ud800" does not convert'),
        (("turned", '{"low": 8}', "out"), "bits[0]: bits.low is"),
        (("turned", '{"z": 1}', "out"), "bits has no field 'z'; it has low, high, x, y, ratio"),
        (("narrow", '{"low": 4}'), "p[0].low: 4 does not convert; expected an integer of few"),
        (("counted", '{"items": [1]}', "null"), "open[0].items: [1] does not convert; expected []"),
    ],
)
def test_a_wrong_call_is_one_line(mistake, plugin, arguments, words):
    assert words in mistake("call", plugin, *arguments)


def test_an_exception_is_status_1(epy, plugin):
    result = epy("call", plugin, "fails", "[[1]]", status=1)
    assert result.stdout == '{"x": 0, "y": 0}\n'
    assert "ValueError: not today" in result.stderr


def test_a_failed_start_is_status_1(epy, build_plugin):
    plugin = build_plugin(SCRIPT + "\nassert epy.building\n")
    result = epy("call", plugin, "moved", "[1]", "null", status=1)
    assert result.stdout == ""
    assert result.stderr.count("AssertionError") == 1
