"""epy.hpp: references, scopes, errors and classes as C++ has them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

SCRIPT = """
import ctypes
import epy

Shape = epy.host_class("Shape")

class Square(Shape):
    def area(self, side):
        return side * side

class Half(Shape):
    def area(self, side):
        return super().area(side) / 2

class Wrong(Shape):
    def area(self, side):
        raise LookupError("no area")

class Broken(Shape):
    @property
    def area(self):
        raise LookupError("no method")

class Plain(Shape):
    pass

def shape(name):
    return globals()[name]()

def make(name):
    epy.host_class(name)()

def failure(kind):
    try:
        Plain().fail(kind)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def show(*values, **keywords):
    return " ".join([*map(str, values), *(f"{name}={value}" for name, value in keywords.items())])

class Person:
    def greet(self, name, mark="."):
        return f"hello {name}{mark}"

def subscribe(add):
    listener = epy.callback("int (*)(int)", lambda value: value + add, error=-9)
    ctypes.CDLL(None).subscribe(listener)

def parse(text):
    return int(text)

def find(name):
    return globals()[name]

kept = []

def keep(data):
    kept.append(data)
    return sum(data)

def drop():
    kept.clear()

def hold(shape):
    kept.append(shape)

def area_of_held():
    return kept[0].area(5)

def address_of_check():
    return ctypes.cast(ctypes.pythonapi.PyGILState_Check, ctypes.c_void_p).value

text = bytearray(b"abc")

@epy.export("int anything(void)")
def anything():
    return 0
"""

HOST = Path(__file__).with_name("epy_hpp.cpp").read_text()


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="g++"):
        host = epy_host(
            HOST.replace("// WHAT THE TEST DOES", body), "-rdynamic", "-pthread", compiler=compiler
        )
        return run(host, build_plugin(SCRIPT)).stdout

    return played


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_the_header_needs_nothing_before_it(epy, run, tmp_path, compiler, standard):
    source = tmp_path / "only.cpp"
    source.write_text("#include <epy.hpp>\n")
    warnings = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
    flags = shlex.split(epy("--cflags").stdout)
    run(compiler, f"-std={standard}", *warnings, "-fsyntax-only", *flags, source)


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_script_overrides_what_it_likes(played, compiler):
    """The class's own is called for the others, by C++ and by super()."""
    played(
        """
        Shape *own = new Shape;
        assert(own->area(5) == 15 && !own->override_of("area"));
        own->release();
        const struct { const char *name; double area; } wanted[] = {
            {"Square", 25}, {"Half", 7.5}, {"Plain", 15}};
        for (const auto &one : wanted) {
            epy::object made = script.call("shape", "s", one.name);
            auto *shape = static_cast<Shape *>(epy_unwrap(made.get(), "Shape"));
            shape->retain();
            made = epy::object();
            assert(shape->area(5) == one.area && !shape->override_of("volume"));
            assert(shape->wrapper().call("area", "d", 5.0).as<double>() == one.area);
            shape->release();
        }
        for (const char *name : {"Wrong", "Broken"}) {
            epy::object wrong = script.call("shape", "s", name);
            try {
                static_cast<Shape *>(epy_unwrap(wrong.get(), "Shape"))->area(1);
                assert(false);
            } catch (const epy::error &failed) {
                assert(failed.type() == "LookupError");
            }
        }
        """,
        compiler,
    )


def test_an_object_that_is_released_once_too_often_is_forgotten(played):
    played(
        """
        Shape *own = new Shape;
        script.call("hold", "O", own->wrapper().get());
        assert(script.call("area_of_held").as<double>() == 15);
        own->release();
        own->release();
        assert(Shape::live == 0);
        try {
            script.call("area_of_held");
            assert(false);
        } catch (const epy::error &failed) {
            assert(failed.type() == "epy.UnloadedError");
        }
        """
    )


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_what_a_method_or_constructor_throws_is_raised_in_the_script(played, compiler):
    stdout = played(
        """
        for (int kind = 0; kind < 4; ++kind) {
            std::puts(script.call("failure", "i", kind).as<std::string>().c_str());
        }
        assert(script.call("shape", "s", "Plain").call("fail", "i", 4).as<int>() == 4);
        Shape::refuses = true;
        try {
            script.call("shape", "s", "Plain");
            assert(false);
        } catch (const epy::error &failed) {
            std::puts(failed.what());
        }
        Shape::refuses = false;
        """,
        compiler,
    )
    assert stdout == (
        "RuntimeError: too far\n"
        "MemoryError: \n"
        "RuntimeError: a C++ exception of no standard class\n"
        "AttributeError: 'Plain' object has no attribute 'nothing'\n"
        "RuntimeError: no more shapes\n"
    )


def test_scripts_make_none_of_a_class_that_cannot_be_made_without_more(played):
    stdout = played(
        """
        for (const char *name : {"Door", "Solid"}) {
            try {
                script.call("make", "s", name);
                assert(false);
            } catch (const epy::error &failed) {
                std::puts(failed.what());
            }
        }
        Door *door = new Door(5);
        assert(epy_unwrap(door->wrapper().get(), "Door") == door);
        door->release();
        """
    )
    assert stdout == "".join(
        f"TypeError: {name}: the host makes these; scripts get them from the host\n"
        for name in ("Door", "Solid")
    )


def test_references_are_copied_moved_and_given_back(played):
    stdout = played(
        """
        epy::object list = epy::build("[s]", "x"), copy = list, none;
        assert(!none && copy.get() == list.get() && epy_object_refcount(list.get()) == 2);
        epy::object moved = std::move(copy);
        copy = moved;
        copy = *&copy;
        assert(epy_object_refcount(list.get()) == 3);
        moved = copy = none;
        assert(!moved && epy_object_refcount(list.get()) == 1);
        epy::object person = script.call("Person");
        person.set("list", list);
        assert(person.attribute("list").get() == list.get());
        std::puts(person.call_kw("greet", "s{s:s}", "you", "mark", "!").as<std::string>().c_str());
        std::puts(script.call_kw("show", "i{s:d}", 1, "x", 0.5).as<std::string>().c_str());
        std::puts(person.attribute("greet")("s", "all").as<std::string>().c_str());
        assert(epy::build("l", 1L << 40).as<long>() == 1L << 40 && epy::build("p", 3).as<bool>());
        try {
            list.as<int>();
            assert(false);
        } catch (const epy::error &failed) {
            assert(failed.type() == "TypeError" && !failed.traceback().empty());
        }
        """
    )
    assert stdout == "hello you!\n1 x=0.5\nhello all.\n"


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_callback_lives_as_long_as_the_host_has_it(played, compiler):
    played(
        """
        script.call("subscribe", "i", 4);
        listener copy = stored;
        stored = listener();
        script.call("drop");
        assert(copy.is_live() && copy(1) == 5);
        int (*function)(int) = copy.get();
        copy = listener();
        script.call("drop");
        assert(!epy_callback_is_live(reinterpret_cast<epy_function *>(function)));
        assert(function(1) == -9);
        using parser = epy::callback<int(const char *)>;
        const epy::object parse = script.call("find", "s", "parse");
        parser made(parse, "int (*)(const char *)", epy::build("i", -5));
        const parser other = std::move(made);
        assert(other("17") == 17 && other("x") == -5 && made.get() == nullptr);
        bool thrown = false;
        try {
            const parser wrong(parse, "int (*)(struct x)");
        } catch (const epy::error &failed) {
            thrown = failed.type() == "epy.SignatureError";
        }
        try {
            const listener none(+[](int value) { return value; });
        } catch (const epy::error &) {
            assert(thrown);
            return;
        }
        assert(false);
        """,
        compiler,
    )


def test_memory_goes_back_to_its_owner(played):
    played(
        """
        static char bytes[] = {1, 2, 3};
        assert(script.call("keep", "N", epy::memory(std::vector<char>{4, 5}).release())
                   .as<int>() == 9);
        epy::object view = epy::memory(owned(), bytes, sizeof bytes, false);
        assert(script.call("keep", "O", view.get()).as<int>() == 6 && owned::live == 1);
        view = epy::object();
        assert(owned::live == 1);
        script.call("drop");
        assert(owned::live == 0);
        try {
            epy::memory(owned(), nullptr, 3);
            assert(false);
        } catch (const epy::error &) {
            assert(owned::live == 0);
        }
        const epy::object text = script.call("find", "s", "text");
        {
            const epy::buffer lent(text, true);
            assert(lent.size() == 3 && std::memcmp(lent.data(), "abc", 3) == 0);
            static_cast<char *>(lent.data())[0] = 'A';
            bool failed = false;
            try {
                text.call("clear");
            } catch (const epy::error &one) {
                failed = one.type() == "BufferError";
            }
            assert(failed);
        }
        text.call("clear");
        text.call("extend", "y", "abc");
        """
    )


def test_scopes_end_by_themselves(played):
    """Another thread comes in while the lock is given away, whatever leaves the scope."""
    played(
        """
        const auto has_lock =
            reinterpret_cast<int (*)()>(script.call("address_of_check").as<long>());
        assert(!has_lock());
        try {
            const epy::batch calls;
            assert(has_lock());
            {
                const epy::pause blocked;
                assert(!has_lock());
                std::thread([&] { script.call("drop"); }).join();
            }
            assert(has_lock());
            script.call("parse", "s", "x");
        } catch (const epy::error &failed) {
            assert(failed.type() == "ValueError");
        }
        assert(!has_lock());
        std::thread([&] { script.call("drop"); }).join();
        """
    )
