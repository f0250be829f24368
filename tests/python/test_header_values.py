"""Python values in the structs of headers: what fits, what is kept alive, what is refused."""

from __future__ import annotations

import ctypes
import gc
from array import array
from ctypes import POINTER, byref, c_char_p, c_int, c_void_p, cast, pointer
from typing import Any

import pytest

import epy

TEXT = """
#include <stdint.h>
#include <stddef.h>
#include <wchar.h>
typedef unsigned long CK_RV;
typedef enum { red, green = 5, blue } color;
typedef int (*unary)(int);
struct inner { int x; double y; };
struct node {
    const char *name;
    struct node *next;
    struct inner in;
    struct inner pair[2];
    unary call;
    CK_RV (*status)(void *data, struct node *self);
    const char *const *words;
    struct inner *inners;
    unsigned char id[8];
    char label[8];
    unsigned char *bytes;
    float *samples;
    void *data;
    unary table[2];
    color tint;
    uint8_t small;
    int8_t tiny;
    uint64_t wide;
    double real;
    _Bool flag;
    char letter;
    wchar_t sign;
    wchar_t *text;
    unsigned bits : 3;
    int more : 4;
    union { int one; float other; unary third; struct { short left, right; }; };
    struct { int deep; } named;
    long matrix[2][3];
    const char *texts[2];
};
struct list { int count; struct inner items[]; };
struct opaque;
struct holder { struct opaque *it; struct node *node; };
"""


@pytest.fixture(scope="module")
def host() -> Any:
    return epy.header(TEXT, errors={"CK_RV": 5})


@pytest.fixture
def node(host: Any) -> Any:
    return host.struct.node()


def through_c(field: Any, *arguments: Any) -> Any:
    """What C gets by calling a function pointer: not Python's own shortcut."""
    plain = ctypes.CFUNCTYPE(type(field)._restype_, *type(field)._argtypes_)
    return plain(cast(field, c_void_p).value)(*arguments)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "caf\u00e9", b"caf\xc3\xa9"),
        ("name", b"bytes", b"bytes"),
        ("name", None, None),
        ("tint", 5, 5),
        ("small", 255, 255),
        ("tiny", -128, -128),
        ("wide", 2**64 - 1, 2**64 - 1),
        ("real", 2, 2.0),
        ("flag", True, True),
        ("letter", "x", b"x"),
        ("letter", b"\xff", b"\xff"),
        ("sign", "\u2260", "\u2260"),
        ("text", "wide", "wide"),
        ("label", "12345678", b"12345678"),
        ("label", b"ab", b"ab"),
        ("bits", 7, 7),
        ("more", -8, -8),
        ("one", -3, -3),
        ("left", -3, -3),
        ("data", None, None),
        ("data", 2**64 - 1, 2**64 - 1),
    ],
)
def test_a_value_is_read_back(node: Any, field: str, value: Any, expected: Any) -> None:
    setattr(node, field, value)
    assert getattr(node, field) == expected


def test_the_constructor_takes_members_by_position_and_by_name(host: Any) -> None:
    made = host.struct.inner(1, y=2.5)
    assert (made.x, made.y) == (1, 2.5)
    assert repr(made) == "inner(x=1, y=2.5)"


def test_a_callable_becomes_a_callback_of_the_field_s_prototype(node: Any) -> None:
    node.call = lambda x: x + 1
    assert node.call(41) == 42
    assert through_c(node.call, 41) == 42


def test_the_error_value_is_that_of_the_result_s_typedef(node: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(epy, "error_hook", lambda report: None)
    node.status = lambda data, self: 1 / 0
    assert through_c(node.status, None, None) == 5


def test_a_ready_made_callback_fits_every_function_pointer_and_void_pointer(
    node: Any,
) -> None:
    made = epy.callback("int twice(int x)", lambda x: 2 * x)
    node.call = made
    assert node.call(4) == 8
    node.data = made
    assert node.data == made.address
    node.status = made
    assert cast(node.status, c_void_p).value == made.address
    node.call = None
    assert not node.call


def test_function_pointers_in_arrays(node: Any) -> None:
    node.table = [lambda x: x + 1, lambda x: x + 2]
    assert [function(1) for function in node.table] == [2, 3]


def test_a_list_becomes_an_array(node: Any) -> None:
    node.words = ["one", b"two", None]
    assert node.words[:3] == [b"one", b"two", None]
    node.inners = [(1, 2.0), {"x": 3}, ()]
    assert [(it.x, it.y) for it in node.inners[:3]] == [(1, 2.0), (3, 0.0), (0, 0.0)]
    node.samples = [0.5, 1]
    assert node.samples[:2] == [0.5, 1.0]
    gc.collect()
    assert node.words[0] == b"one"


def test_bytes_become_a_c_string_and_an_array_takes_bytes(node: Any) -> None:
    node.bytes = b"\1\2"
    assert node.bytes[:3] == [1, 2, 0]
    node.id = b"\xff\xfe"
    assert bytes(node.id) == b"\xff\xfe" + bytes(6)


@pytest.mark.parametrize("value", ["text", b"text"])
def test_a_void_pointer_takes_text(node: Any, value: Any) -> None:
    node.data = value
    gc.collect()
    assert cast(node.data, c_char_p).value == b"text"


def test_a_callable_fits_a_function_type_of_ctypes(node: Any) -> None:
    plain = ctypes.CFUNCTYPE(c_int, c_int)
    struct = epy.header("typedef int (*fn)(int); struct s { fn f; };", types={"fn": plain}).s()
    struct.f = lambda number: number + 1
    gc.collect()
    assert through_c(struct.f, 41) == 42
    with pytest.raises(epy.FieldError, match=r"s.f is `int \(\*f\)\(int\)`: 1.5 does not fit"):
        struct.f = 1.5


def test_nested_structs_take_tuples_and_dicts(node: Any) -> None:
    node.__init__(pair=[(1,), {"y": 2}], **{"in": (3, 4), "named": {"deep": 5}})
    assert (node.pair[0].x, node.pair[1].y, getattr(node, "in").x) == (1, 2.0, 3)
    assert node.named.deep == 5
    node.matrix = [[1, 2], (3, 4, 5)]
    assert [list(row) for row in node.matrix] == [[1, 2, 0], [3, 4, 5]]


def test_a_dict_may_change_while_its_values_are_converted(node: Any) -> None:
    class Growing:
        def __index__(self) -> int:
            fields.update({f"field{number}": number for number in range(1000)})
            return 7

    fields: dict[str, Any] = {"x": Growing(), "y": 2.5}
    node.inners = fields
    assert (node.inners[0].x, node.inners[0].y) == (7, 2.5)


def test_fields_of_anonymous_members_are_the_struct_s(node: Any) -> None:
    node.other = 1.0
    assert node.one == 0x3F800000
    node.third = lambda x: x * 3
    assert node.third(5) == 15
    node.left, node.right = 1, 2
    assert node.one == 0x20001


def test_a_struct_or_an_array_is_its_address_where_a_pointer_is_due(host: Any, node: Any) -> None:
    other = host.struct.node(name="other")
    for value in (other, pointer(other), byref(other), {"name": "other"}):
        node.next = value
        assert node.next.name == b"other"
    memory = (ctypes.c_float * 2)(1, 2)
    node.samples = memory
    node.samples[1] = 5
    assert memory[1] == 5
    node.data = memory
    assert node.data == ctypes.addressof(memory)
    node.data = other
    assert node.data == ctypes.addressof(other)


def test_a_buffer_is_shared(node: Any) -> None:
    samples = array("f", [1, 2, 3])
    node.samples = samples
    node.samples[2] = 9
    assert samples[2] == 9
    data = bytearray(b"abc")
    node.bytes = data
    node.bytes[0] = 0x7A
    assert data == b"zbc"


def test_a_pointer_to_struct_forwards_fields(host: Any, node: Any) -> None:
    p = pointer(node)
    p.name = "by pointer"
    p.next = host.struct.node(name="next")
    assert node.name == b"by pointer"
    assert p.next.name == b"next"
    p.next.next = {"name": "third"}
    gc.collect()
    assert node.next.next.name == b"third"
    assert p.contents is node
    with pytest.raises(ValueError, match="NULL"):
        node.next.next.next.name  # noqa: B018


def test_a_pointer_type_that_the_script_made_first_is_the_header_s() -> None:
    host = epy.header("struct s { int i; }; struct holder { struct s *p; };")
    first = POINTER(host.struct.s)
    early = first(host.struct.s(5))
    assert type(host.struct.holder(early).p) is first
    assert (early.i, early[0].i, host.struct.holder({"i": 7}).p.i) == (5, 5, 7)


def test_a_flexible_array_indexes_freely(host: Any) -> None:
    memory = ctypes.create_string_buffer(8 + 3 * 16)
    made = host.struct.list.from_buffer(memory)
    made.items[2] = (7, 1.5)
    assert (made.items[2].x, made.items[2].y) == (7, 1.5)
    assert c_int.from_buffer(memory, 8 + 2 * 16).value == 7


def test_an_incomplete_struct_is_an_opaque_pointer(host: Any) -> None:
    holder = host.struct.holder()
    assert not holder.it
    holder.it = None
    take = host._classes.make(("(", None, (("*", ("struct", "opaque")),), False))
    assert take(lambda it: None)(holder.it) is None
    holder.it = cast(0x1000, POINTER(host.struct.opaque))
    assert cast(holder.it, c_void_p).value == 0x1000


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("small", 256, "node.small is `unsigned char small`: 256 does not fit"),
        ("small", -1, "node.small is `unsigned char small`: -1 does not fit"),
        ("small", "1", "node.small is `unsigned char small`: '1' does not fit"),
        ("small", 1.5, "1.5 does not fit"),
        ("wide", 2**64, f"{2**64} does not fit"),
        ("bits", 8, "node.bits .*: 8 does not fit .it has 3 bits"),
        ("more", 8, "8 does not fit"),
        ("real", "1", "node.real is `double real`: '1' does not fit"),
        ("flag", "yes", "`_Bool flag`: 'yes' does not fit"),
        ("letter", "xy", "`char letter`"),
        ("label", "123456789", "`char label.8.`.*it has 9 bytes"),
        ("id", [1] * 9, "it has 9 elements"),
        ("id", [1, 300], "element 1 is 300"),
        ("words", ["one", 2.5], "element 1 is 2.5"),
        ("inners", [(1,), ("x",)], "inner.x is `int x`: 'x' does not fit"),
        ("next", 5, r"node.next is `struct node \*next`: 5 does not fit"),
        ("next", "text", "does not fit"),
        ("samples", array("d", [1]), "does not fit"),
        ("samples", array("i", [1]), "does not fit"),
        ("samples", c_int(1), r"`float \*samples`: c_int.1. does not fit"),
        ("bytes", ctypes.c_bool(True), "does not fit"),
        ("call", 1.5, r"node.call is `int \(\*call\)\(int\)`: 1.5 does not fit"),
        ("data", lambda: 0, "a callable has no prototype here: pass an epy.callback"),
        ("name", 1.5, r"node.name is `char \*name`: 1.5 does not fit"),
        ("name", [1], "does not fit"),
        ("in", 5, "`struct inner in`: 5 does not fit"),
        ("in", (1, 2, 3), "inner has 2 members, 3 values given"),
        ("in", {"z": 1}, "inner has no field z: it has x, y"),
    ],
)
def test_what_does_not_fit_is_refused(node: Any, field: str, value: Any, message: str) -> None:
    before = bytes(node)
    with pytest.raises(epy.FieldError, match=message) as raised:
        setattr(node, field, value)
    assert isinstance(raised.value, TypeError)
    assert bytes(node) == before


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", 255, 255),
        ("table", lambda x: x + 1, None),
        ("pair", {"x": 1}, None),
        ("pair", (1, 2.0), None),
        ("matrix", [7, 8], None),
        ("texts", "one", b"one"),
    ],
)
def test_items_of_arrays_take_python_values(
    node: Any, field: str, value: Any, expected: Any
) -> None:
    items = getattr(node, field)
    items[1] = value
    if expected is not None:
        assert items[1] == expected
    node.matrix[0][1:] = (4, 5)
    assert list(node.matrix[0]) == [0, 4, 5]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", 256, r"\[1\] of `unsigned char \[8\]`: 256 does not fit"),
        ("matrix", [1, 2**63], "does not fit element 1 is 9223372036854775808"),
        ("pair", ("x",), "inner.x is `int x`: 'x' does not fit"),
        ("pair", 5, r"\[1\] of `struct inner \[2\]`: 5 does not fit"),
        ("table", 1.5, r"\[1\] of `int \(\*\[2\]\)\(int\)`: 1.5 does not fit"),
        ("texts", 1.5, r"\[1\] of `char \*\[2\]`: 1.5 does not fit"),
    ],
)
def test_what_does_not_fit_an_item_is_refused(
    node: Any, field: str, value: Any, message: str
) -> None:
    before = bytes(node)
    with pytest.raises(epy.FieldError, match=message):
        getattr(node, field)[1] = value
    assert bytes(node) == before


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1], "2 items: it has 1 values"),
        ([1, 2, 3], "2 items: it has 3 values"),
        (5, "a slice: it is no sequence"),
    ],
)
def test_a_slice_takes_as_many_values_as_it_has_items(node: Any, values: Any, why: str) -> None:
    before = bytes(node)
    with pytest.raises(epy.FieldError, match=rf"\[0:2\] of `unsigned char \[8\]`: .* fit {why}"):
        node.id[0:2] = values
    assert bytes(node) == before


def test_arrays_of_ctypes_fit_where_their_items_do(host: Any, node: Any) -> None:
    node.matrix = (ctypes.c_long * 3 * 2)((1, 2, 3), (4, 5, 6))
    assert [list(row) for row in node.matrix] == [[1, 2, 3], [4, 5, 6]]
    rows = epy.header("struct t { long (*rows)[3]; };").t(rows=(ctypes.c_long * 3)(7, 8, 9))
    assert list(rows.rows[0]) == [7, 8, 9]


def test_a_misspelt_field_raises(host: Any, node: Any) -> None:
    with pytest.raises(epy.UnknownFieldError, match=r"node has no field nmae: did you mean name\?"):
        node.nmae = "x"
    with pytest.raises(epy.UnknownFieldError, match="nmae"):
        pointer(node).nmae = "x"
    with pytest.raises(AttributeError, match="did you mean name"):
        node.nmae  # noqa: B018
    with pytest.raises(epy.FieldError, match="inner has no field q"):
        host.struct.inner(q=1)
    with pytest.raises(epy.FieldError, match="given twice"):
        host.struct.inner(1, x=1)
