"""epy.h: memory with an owner in both directions, and what keeps what alive."""

from __future__ import annotations

import pytest

SCRIPT = """
import array
import gc
import weakref
import epy

@epy.export("int anything(void)")
def anything():
    return 0

kept = []

def total(data):
    return sum(data)

def fill(data, value):
    data[:] = bytes([value]) * len(data)

def keep_slice(data):
    kept.append(data.cast("i")[1:])

def first_kept():
    return kept[0][0]

def drop():
    kept.clear()
    gc.collect()

def try_to_write(data):
    try:
        data[0] = 1
    except TypeError as error:
        return str(error)

shared = bytearray(b"abcdef")

def grow():
    try:
        shared.append(7)
    except BufferError:
        return 0
    return 1

def get_shared():
    return shared

def first_byte():
    return shared[0]

def floats():
    return array.array("d", [1.5, 2.5])

def every_second():
    return memoryview(shared)[::2]

class Node:
    pass

references = []

def node():
    made = Node()
    references.append(weakref.ref(made))
    return made

def refer(one, other):
    one.other = other

def nodes():
    gc.collect()
    return sum(one() is not None for one in references)

def number():
    return 3
"""

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static epy_plugin *plugin;
static int released;

static void release(void *user) {
    ++released;
    free(user);
}

static int number_of(const char *name, epy_object *argument) {
    int number = -1;
    assert(epy_call_into(plugin, name, "i", &number, argument ? "O" : "", argument) == 0);
    return number;
}

static void run(const char *name, epy_object *argument) {
    epy_object *result = epy_call(plugin, name, argument ? "O" : "", argument);
    if (result == NULL) puts(epy_last_error());
    assert(result != NULL);
    epy_object_release(result);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = epy_plugin_of(dlopen(argv[argc - 1], RTLD_NOW));
    assert(epy_start(plugin) == 0);
    (void)release, (void)number_of, (void)run;
    {
    %s
    }
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc"):
        host = epy_host(HOST % body, compiler=compiler)
        return run(host, build_plugin(SCRIPT)).stdout

    return played


@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++"])
def test_memory_of_the_hosts_goes_back_when_python_is_done_with_it(played, compiler):
    played(
        """
        int *numbers = (int *)malloc(3 * sizeof *numbers);
        epy_object *data;
        numbers[0] = 1, numbers[1] = 258, numbers[2] = 3;
        data = epy_memory(numbers, 3 * sizeof *numbers, 1, release, numbers);
        assert(number_of("total", data) == 1 + 2 + 1 + 3);
        run("keep_slice", data);
        epy_object_release(data);
        numbers[1] = 77;
        assert(number_of("first_kept", NULL) == 77 && released == 0);
        run("drop", NULL);
        assert(released == 1);
        """,
        compiler,
    )


def test_python_writes_where_it_may(played):
    stdout = played(
        """
        char bytes[4] = "abc";
        epy_object *data = epy_memory(bytes, 3, 1, NULL, NULL), *text;
        const char *line;
        epy_object_release(epy_call(plugin, "fill", "Oi", data, 'x'));
        assert(strcmp(bytes, "xxx") == 0);
        epy_object_release(data);
        data = epy_memory(bytes, 3, 0, NULL, NULL);
        text = epy_call(plugin, "try_to_write", "O", data);
        assert(epy_parse(text, "s", &line) == 0);
        puts(line);
        epy_object_release(text);
        epy_object_release(data);
        """
    )
    assert stdout == "cannot modify read-only memory\n"


def test_no_memory_stays_the_callers(played):
    played(
        """
        epy_object *empty;
        assert(epy_memory(NULL, 3, 1, release, NULL) == NULL && epy_error_matches("ValueError"));
        assert(epy_memory(&released, (size_t)-1, 1, release, NULL) == NULL && released == 0);
        empty = epy_memory(NULL, 0, 1, release, NULL);
        assert(number_of("total", empty) == 0);
        epy_object_release(empty);
        run("drop", NULL);
        assert(released == 1);
        """
    )


def test_the_host_reads_and_writes_the_bytes_of_an_object(played):
    played(
        """
        void *memory = NULL;
        size_t size = 0;
        epy_object *shared, *bytes, *floats;
        shared = epy_call(plugin, "get_shared", "");
        bytes = epy_buffer(shared, 1, &memory, &size);
        assert(bytes != NULL && size == 6 && memcmp(memory, "abcdef", 6) == 0);
        *(char *)memory = 'A';
        assert(number_of("grow", NULL) == 0);
        epy_object_release(bytes);
        assert(number_of("grow", NULL) == 1 && number_of("first_byte", NULL) == 'A');
        epy_object_release(shared);
        floats = epy_call(plugin, "floats", "");
        bytes = epy_buffer(floats, 0, &memory, &size);
        epy_object_release(floats);
        run("drop", NULL);
        assert(size == 2 * sizeof(double) && ((double *)memory)[1] == 2.5);
        epy_object_release(bytes);
        """
    )


def test_what_has_no_bytes_says_so(played):
    played(
        """
        void *memory = &released;
        size_t size = 5;
        epy_object *text = epy_build("s", "text"), *fixed = epy_build("y", "fixed");
        epy_object *strided = epy_call(plugin, "every_second", "");
        assert(epy_buffer(text, 0, &memory, &size) == NULL && epy_error_matches("TypeError"));
        assert(epy_buffer(fixed, 1, &memory, &size) == NULL && epy_error_matches("BufferError"));
        assert(epy_buffer(strided, 0, &memory, &size) == NULL && epy_error_matches("BufferError"));
        assert(epy_buffer(NULL, 0, &memory, &size) == NULL);
        assert(epy_buffer(fixed, 0, NULL, &size) == NULL);
        assert(epy_buffer(fixed, 0, &memory, NULL) == NULL);
        assert(memory == &released && size == 5);
        epy_object_release(text);
        epy_object_release(fixed);
        epy_object_release(strided);
        """
    )


@pytest.mark.parametrize(
    "circle", ["", 'epy_object_release(epy_call(plugin, "refer", "OO", patient, nurse));']
)
def test_a_patient_lives_as_long_as_its_nurse(played, circle):
    played(
        """
        epy_object *nurse = epy_call(plugin, "node", ""), *patient = epy_call(plugin, "node", "");
        assert(epy_keep_alive(nurse, patient) == 0);
        CIRCLE
        epy_object_release(patient);
        assert(number_of("nodes", NULL) == 2);
        epy_object_release(nurse);
        assert(number_of("nodes", NULL) == 0);
        """.replace("CIRCLE", circle)
    )


def test_what_cannot_keep_anything_alive_says_so(played):
    stdout = played(
        """
        epy_object *number = epy_build("i", 3), *nurse = epy_call(plugin, "node", "");
        assert(epy_keep_alive(number, nurse) == -1);
        puts(epy_last_error());
        assert(epy_keep_alive(NULL, nurse) == -1 && epy_keep_alive(nurse, NULL) == -1);
        epy_object_release(number);
        epy_object_release(nurse);
        """
    )
    assert stdout == ("TypeError: int objects have no attributes, so they can keep nothing alive\n")
