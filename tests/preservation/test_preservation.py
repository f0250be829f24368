"""The Python side of a host's objects: kept as long as either side has them, and no longer.

Long because all of it is one library with its class.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

SCRIPT = """
import gc
import weakref

import epy

MyClass = epy.host_class("MyClass")
kept = []
references = {}

class Sub(MyClass):
    def __init__(self, label="sub"):
        self.label = label

    def greet(self):
        return f"{self.label} {self.add(0)}"

@epy.export("int anything(void)")
def anything():
    return 0

def use(object):
    object.add(5)
    assert object.rename("é") == "é" and object.rename(None) == ""
    try:
        object.myclass_fail()
    except ValueError as error:
        assert str(error) == f"no {object.add(0)}", error
    else:
        raise AssertionError
    for wrong in ("x", 1 << 40, None):
        try:
            object.set_peer(3) if wrong is None else object.add(wrong)
        except epy.ArgumentError:
            pass
        else:
            raise AssertionError(wrong)
    return object.add(0)

def mark(object, value):
    object.mark = value
    references[value] = weakref.ref(object)

def mark_of(object):
    return object.mark, references[object.mark]() is object

def keep(object):
    kept.append(object)

def drop():
    kept.clear()
    gc.collect()

def alive(value):
    gc.collect()
    return references[value]() is not None

def make(cls):
    object = globals()[cls]()
    mark(object, cls)
    return object

def make_and_keep(cls):
    kept.append(make(cls))

def cycle(object):
    object.itself = object
    object.also = [object]

def use_gone():
    for object in kept:
        for use in (lambda: object.add(1), lambda: object.address, lambda: object.peer()):
            try:
                use()
            except epy.UnloadedError as error:
                text = str(error)
            else:
                raise AssertionError
    return text, object.mark
"""

HOST = """
#include "myclass.h"

#undef NDEBUG
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <random>
#include <thread>
#include <vector>

static epy_plugin *plugin;

[[maybe_unused]] static void call(const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_call_va(plugin, name, format, arguments);
    va_end(arguments);
    if (result == nullptr) {
        std::fprintf(stderr, "%%s: %%s\\n%%s\\n", name, epy_last_error(),
                     epy_last_error_info()->traceback);
        std::abort();
    }
    epy_object_release(result);
}

[[maybe_unused]] static epy_object *wrap(MyClass *object) {
    epy_object *wrapper = epy_wrap("MyClass", object);
    assert(wrapper != nullptr);
    return wrapper;
}

[[maybe_unused]] static void mark(MyClass *object, int value) {
    call("mark", "Ni", wrap(object), value);
}

/* -1: none */
[[maybe_unused]] static int mark_of(MyClass *object) {
    int value = -1, same = 0;
    epy_object *result = epy_call(plugin, "mark_of", "N", wrap(object));
    if (result == nullptr) {
        assert(epy_error_matches("AttributeError"));
        return -1;
    }
    assert(epy_parse(result, "ip", &value, &same) == 0 && same);
    epy_object_release(result);
    return value;
}

[[maybe_unused]] static bool alive(int value) {
    int result = 0;
    assert(epy_call_into(plugin, "alive", "p", &result, "i", value) == 0);
    return result != 0;
}

%s

int main(int argc, char **argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    static const bool is_first = register_myclass() == 0 && register_myclass() == -1;
    assert(is_first);
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    plugin = epy_plugin_of(handle);
    assert(epy_start(plugin) == 0);
    body();
    call("drop", "");
    assert(MyClass::live == 0);
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, *arguments, script=SCRIPT):
        source = HOST % (body if "body()" in body else f"static void body() {{ {body} }}")
        host = epy_host(source, f"-I{HERE}", "-pthread", compiler="g++")
        return run(host, *arguments, build_plugin(script)).stdout

    return played


def test_the_library_without_python(epy_host, run):
    """It counts as before, and no Python is looked for."""
    host = epy_host(
        '#include "myclass.h"\n#include <cassert>\nint main() {'
        "MyClass *a = myclass_new(), *b = myclass_new(); myclass_set_peer(a, b);"
        "myclass_release(b); assert(b->count() == 1); myclass_retain(a); myclass_release(a);"
        "myclass_release(a); return MyClass::live; }",
        f"-I{HERE}",
        compiler="g++",
    )
    run(host)


def test_methods_are_called_by_their_prototypes(played):
    played(
        """
        MyClass *object = myclass_new();
        epy_object *wrapper = wrap(object);
        call("use", "O", wrapper);
        assert(object->value == 5 && epy_object_is(wrapper, "MyClass") == 1);
        assert(epy_unwrap(wrapper, "MyClass") == object);
        assert(epy_unwrap(wrapper, "Other") == nullptr && epy_wrap("Other", object) == nullptr);
        assert(epy_wrap("MyClass", nullptr) == nullptr && epy_wrap(nullptr, object) == nullptr);
        epy_object *list = epy_build("[]");
        assert(epy_unwrap(list, "MyClass") == nullptr && epy_error_matches("TypeError"));
        epy_object_release(list);
        assert(wrap(object) == wrapper && epy_object_refcount(wrapper) == 3);
        epy_object_release(wrapper);
        epy_object_release(wrapper);
        myclass_release(object);
        """
    )


def test_attributes_stay_while_the_host_has_the_object(played):
    played(
        """
        MyClass *object = myclass_new();
        mark(object, 1);
        assert(object->count() == 2);
        call("drop", "");
        assert(mark_of(object) == 1 && alive(1));
        myclass_retain(object);
        myclass_release(object);
        assert(mark_of(object) == 1);
        myclass_release(object);
        assert(!alive(1) && MyClass::live == 0);
        """
    )


def test_attributes_stay_while_python_has_the_object(played):
    played(
        """
        MyClass *object = myclass_new();
        mark(object, 2);
        call("keep", "N", wrap(object));
        myclass_release(object);
        assert(alive(2) && object->count() == 1);
        myclass_retain(object);
        call("drop", "");
        assert(alive(2) && mark_of(object) == 2);
        myclass_release(object);
        assert(!alive(2) && MyClass::live == 0);
        """
    )


def test_a_subclass_of_a_script_keeps_its_class(played):
    played(
        """
        epy_object *wrapper = epy_call(plugin, "make", "s", "Sub");
        MyClass *object = static_cast<MyClass *>(epy_unwrap(wrapper, "MyClass"));
        assert(object != nullptr && object->count() == 1);
        MyClass::retain(object);
        epy_object_release(wrapper);
        object->value = 4;
        wrapper = wrap(object);
        assert(epy_object_is(wrapper, "Sub") == 1);
        epy_object *text = epy_call_method(wrapper, "greet", "");
        const char *greeting;
        assert(epy_parse(text, "s", &greeting) == 0);
        assert(std::strcmp(greeting, "sub 4") == 0);
        epy_object_release(text);
        epy_object_release(wrapper);
        myclass_release(object);
        epy_object_release(epy_build(""));    /* what dies, dies at the next call into Python */
        assert(MyClass::live == 0);
        """
    )


def test_a_cycle_on_pythons_side_is_collected_when_the_host_is_done(played):
    played(
        """
        MyClass *object = myclass_new();
        mark(object, 3);
        call("cycle", "N", wrap(object));
        assert(alive(3) && mark_of(object) == 3);
        myclass_release(object);
        assert(!alive(3) && MyClass::live == 0);
        """
    )


def test_objects_that_hold_each_other_on_the_hosts_side(played):
    played(
        """
        MyClass *a = myclass_new(), *b = myclass_new();
        mark(b, 4);
        myclass_set_peer(a, b);
        myclass_release(b);
        assert(alive(4) && b->count() == 2);
        epy_object *wrapper = wrap(a);
        epy_object *peer = epy_call_method(wrapper, "peer", "");
        assert(epy_unwrap(peer, "MyClass") == b && mark_of(b) == 4);
        epy_object_release(epy_call_method(peer, "set_peer", "O", nullptr));
        epy_object_release(epy_call_method(wrapper, "set_peer", "O", nullptr));
        assert(alive(4));
        epy_object_release(peer);
        assert(!alive(4) && MyClass::live == 1);
        epy_object_release(wrapper);
        myclass_release(a);
        """
    )


def test_a_forgotten_object_says_so(played):
    stdout = played(
        """
        MyClass *object = myclass_new();
        mark(object, 5);
        epy_object *wrapper = wrap(object);
        call("keep", "O", wrapper);
        epy_forget(object);
        epy_forget(object);
        epy_forget(&object);
        assert(epy_unwrap(wrapper, "MyClass") == nullptr && epy_error_matches("UnloadedError"));
        assert(std::strcmp(epy_last_error_info()->type, "epy.UnloadedError") == 0);
        assert(epy_error_matches("epy.UnloadedError") && epy_error_matches("epy.Error"));
        epy_object *said = epy_call(plugin, "use_gone", "");
        const char *text;
        int mark_value;
        assert(epy_parse(said, "si", &text, &mark_value) == 0 && mark_value == 5);
        puts(text);
        epy_object_release(said);
        epy_object_release(wrapper);
        assert(object->count() == 2);         /* the wrapper's is the host's to give back now */
        myclass_release(object);
        myclass_release(object);
        """
    )
    assert stdout == "the host's MyClass is gone\n"


STORM = """
static void worker(MyClass *shared, int number) {
    std::mt19937 random(static_cast<unsigned>(number));
    for (int i = 0; i < 2000; ++i) {
        switch (random() % 4) {
        case 0:
            myclass_retain(shared);
            myclass_release(shared);
            break;
        case 1:
            epy_object_release(wrap(shared));
            break;
        case 2:
            assert(mark_of(shared) == 7);
            break;
        default: {
            MyClass *own = myclass_new();
            mark(own, 1000 + number);
            call("keep", "N", wrap(own));
            myclass_release(own);
            if (random() % 16 == 0) {
                call("drop", "");
            }
        }
        }
    }
}

static void body() {
    MyClass *shared = myclass_new();
    mark(shared, 7);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back(worker, shared, i);
    }
    for (std::thread &one : threads) {
        one.join();
    }
    assert(mark_of(shared) == 7 && shared->count() == 2);
    myclass_release(shared);
    assert(!alive(7));
}
"""


def test_threads_retain_wrap_and_release(played):
    played(STORM)


RANDOM = """
/* What ought to be, beside what is. */
struct model {
    MyClass *object;
    int host;      // references of the host's
    bool marked;
    bool forgotten;
};

static void body() {
    std::mt19937 random(static_cast<unsigned>(std::atoi(std::getenv("SEED"))));
    std::vector<model> all;
    int next = 100;
    std::map<MyClass *, int> marks;
    for (int step = 0; step < 4000; ++step) {
        const unsigned what = random() % 8;
        if (all.empty() || what == 0) {
            all.push_back({myclass_new(), 1, false, false});
            continue;
        }
        const std::size_t at = random() % all.size();
        model &one = all[at];
        switch (what) {
        case 1:
            myclass_retain(one.object);
            ++one.host;
            break;
        case 2:
            call("drop", "");
            break;
        case 3:
            call("keep", "N", wrap(one.object));
            break;
        case 4:
            if (!one.forgotten) {
                mark(one.object, ++next);
                marks[one.object] = next;
                one.marked = true;
            }
            break;
        case 5:
            if (one.marked) {
                assert(mark_of(one.object) == marks[one.object]);
            }
            break;
        case 6: {                  /* the last one through Python, or not at all */
            epy_object *wrapper = wrap(one.object);
            const bool last = --one.host == 0;
            myclass_release(one.object);
            epy_object *same = epy_object_retain(wrapper);
            assert(same == wrapper && epy_unwrap(wrapper, "MyClass") == one.object);
            epy_object_release(wrapper);
            epy_object_release(wrapper);
            if (last) {
                all.erase(all.begin() + static_cast<long>(at));
            }
            break;
        }
        default:
            if (--one.host == 0) {
                myclass_release(one.object);
                all.erase(all.begin() + static_cast<long>(at));
            } else {
                myclass_release(one.object);
            }
        }
    }
    for (model &one : all) {
        if (one.marked) {
            assert(mark_of(one.object) == marks[one.object]);
        }
        while (one.host-- > 0) {
            myclass_release(one.object);
        }
    }
}
"""


@pytest.mark.parametrize("seed", range(3))
def test_random_sequences_keep_what_they_ought_to(build_plugin, epy_host, run, seed):
    host = epy_host(HOST % RANDOM, f"-I{HERE}", compiler="g++")
    run(host, build_plugin(SCRIPT), env={"SEED": str(seed)})


def test_without_a_host_a_script_is_told(build_plugin, epy):
    result = epy("call", build_plugin(SCRIPT), "anything", status=None)
    assert "the host has no class 'MyClass'" in result.stderr
