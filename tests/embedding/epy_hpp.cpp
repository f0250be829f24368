// The host of test_epy_hpp.py: each test puts what it does into `run`.
#include <epy.hpp>

#undef NDEBUG
#include <cassert>
#include <cstdio>
#include <cstring>
#include <thread>

using listener = epy::callback<int(int)>;
static listener stored;
extern "C" void subscribe(int (*function)(int)) { stored = listener(function); }

class Shape : public epy::host_class<Shape> {
public:
    Shape() {
        if (refuses)
            throw std::length_error("no more shapes");
        ++live;
    }
    ~Shape() { --live; }

    // The script's, or its own.
    double area(double side) {
        if (epy::object method = override_of("area")) {
            return method("d", side).as<double>();
        }
        return own_area(side);
    }
    double own_area(double side) { return 3 * side; }

    static inline int live = 0;
    static inline bool refuses = false;
};
static double shape_area(Shape *self, double side) { return self->own_area(side); }
static int shape_fail(Shape *self, int kind) {
    switch (kind) {
    case 0:
        throw std::out_of_range("too far");
    case 1:
        throw std::bad_alloc();
    case 2:
        throw kind;
    case 3:
        return self->wrapper().attribute("nothing").as<int>();
    default:
        return kind;
    }
}

// Scripts can make none.
class Door : public epy::host_class<Door> {
public:
    explicit Door(int number) : number(number) {}
    int number;
};
class Solid : public epy::host_class<Solid> {
public:
    virtual ~Solid() = default;
    virtual double volume() = 0;
};

struct owned {
    static inline int live = 0;
    owned() { ++live; }
    owned(owned &&) noexcept { ++live; }
    ~owned() { --live; }
};

[[maybe_unused]] static void run(const epy::plugin &script) {
    // WHAT THE TEST DOES
}

int main(int argc, char **argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    static const epy_method methods[] = {
        {"double shape_area(Shape *self, double side)", epy::method(shape_area), "area"},
        {"int shape_fail(Shape *self, int kind)", epy::method<shape_fail>(), "fail"},
        {nullptr, nullptr, nullptr},
    };
    static const bool first =
        (Shape::register_as("Shape", methods), Door::register_as("Door", nullptr),
         Solid::register_as("Solid", nullptr), true);
    assert(first);
    const epy::plugin script(dlopen(argv[argc - 1], RTLD_NOW));
    script.start();
    run(script);
    script.call("drop");
    assert(Shape::live == 0 && owned::live == 0);
    return 0;
}
