"""Plugins that share a class of the host: one makes objects, others have them, and it goes."""

from __future__ import annotations

SCRIPT = """
import epy, threading

class Square(epy.host_class("Shape")):
    def __init__(self, side):
        self.side = side
        self.lock = threading.Lock()

    def area(self, scale):
        with self.lock:
            return squared(self.side) * scale

def squared(number):
    return number * number

held = {}

def make(side):
    return Square(side)

def hold(name, shape):
    held[name] = shape

def drop():
    held.clear()

def total(shape, count):
    return sum(shape.with_border(i) for i in range(count))

def area_of(shape):
    return lambda scale: int(shape.area(scale))
"""
HOST = """
#include <epy.hpp>

#undef NDEBUG
#include <cassert>
#include <cstdio>
#include <thread>

class Shape : public epy::host_class<Shape> {
public:
    Shape() { ++live; }
    ~Shape() { --live; }
    double area(double scale) {
        epy::object method = override_of("area");
        return method ? method("d", scale).as<double>() : scale;
    }
    static inline std::atomic<int> live = 0;
};
static double shape_with_border(Shape *self, double scale) { return self->area(scale) + 1; }
static Shape *shape_itself(Shape *self) { return self; }

// What fails is told, and nothing more: the first plugin goes meanwhile.
static bool use(int what, const epy::plugin &first, const epy::plugin &second, Shape *shape,
                const epy::callback<int(int)> &area) try {
    switch (what % 6) {
    case 0: return shape->area(2) == 18;
    case 1: return shape->wrapper().call("with_border", "d", 1.0).as<double>() == 10;
    case 2: {
        const epy::batch together;
        return shape->wrapper().call("itself").get() != nullptr;
    }
    case 3: return second.call("total", "Oi", shape->wrapper().get(), 2).as<double>() == 11;
    case 4: {
        const epy::object made = first.call("make", "i", 1);
        return second.call("hold", "sO", "made", made.get()).get() != nullptr;
    }
    default: {
        const epy::batch together;
        const epy::pause alone;
        return area(1) == 9;
    }
    }
} catch (const epy::error &) {
    return false;
}

int main(int, char **argv) {
    static const epy_method methods[] = {
        {"double f(Shape *self, double scale)", epy::method<shape_with_border>(), "with_border"},
        {"Shape *f(Shape *self)", epy::method<shape_itself>(), "itself"},
        {},
    };
    void *const handle = dlopen(argv[1], RTLD_NOW), *const other = dlopen(argv[2], RTLD_NOW);
    Shape::register_as("Shape", methods);
    {
        const epy::plugin first(handle), second(other);
        epy::object square = first.call("make", "i", 3);
        auto *const shape = static_cast<Shape *>(epy_unwrap(square.get(), "Shape"));
        shape->retain();
        second.call("hold", "sO", "square", square.get());
        {
            const epy::callback<int(int)> area(first.call("area_of", "O", square.get()),
                                               "int (*)(int)");
            for (int what = 0; what < 6; ++what) assert(use(what, first, second, shape, area));
            std::atomic<bool> is_over = false;
            std::atomic<int> uses = 0;
            std::vector<std::thread> threads;
            for (int i = 0; i < 4; ++i) {
                threads.emplace_back([&, i] {
                    for (int what = i; !is_over; ++what, ++uses) {
                        use(what, first, second, shape, area);
                    }
                });
            }
            while (uses < 400) std::this_thread::yield();
            assert(epy_unload(first.get(), 60000) == 0);
            for (int seen = uses; uses < seen + 400;) std::this_thread::yield();
            is_over = true;
            for (std::thread &one : threads) one.join();
            // What is left of the first is what others hold.
            for (int what : {0, 1, 2, 3, 5}) assert(use(what, first, second, shape, area));
            assert(!use(4, first, second, shape, area));
        }
        second.call("drop");
        square = epy::object();
        shape->release();
        assert(dlclose(handle) == 0);
        epy::build("i", 1);
        assert(Shape::live == 0);
        epy::object another = second.call("make", "i", 5);
        assert(second.call("total", "Oi", another.get(), 2).as<double>() == 27);
    }
    assert(dlclose(other) == 0);
    epy::build("i", 1);
    assert(Shape::live == 0);
    std::puts("over");
}
"""


def test_objects_outlive_the_plugin_that_made_them(build_plugin, epy_host, run):
    """Its class, whose functions go on; and no object of the host's is left at the end."""
    host = epy_host(HOST, "-rdynamic", "-pthread", compiler="g++")
    plugins = [build_plugin(SCRIPT, name=name) for name in ("first", "second")]
    result = run(host, *plugins)
    assert result.stdout == "over\n"
