// nanobind: C functions that take the GIL and call an nb::object.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <string>

#include "../signatures.h"

namespace nb = nanobind;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
nb::handle f_, add_, f3_, text_len_, process_, mixed_, process_view_;
nb::handle greet_, voice_, step_, event_, drive_;
} // namespace

EXPORT void f() {
    nb::gil_scoped_acquire gil;
    f_();
}

EXPORT int add(int a, int b) {
    nb::gil_scoped_acquire gil;
    return nb::cast<int>(add_(a, b));
}

EXPORT double f3(double a, double b, double c) {
    nb::gil_scoped_acquire gil;
    return nb::cast<double>(f3_(a, b, c));
}

EXPORT std::size_t len(const char *text) {
    nb::gil_scoped_acquire gil;
    return nb::cast<std::size_t>(text_len_(nb::bytes(text)));
}

EXPORT int process(void *handle, int mode, const double *samples, std::size_t count) {
    nb::gil_scoped_acquire gil;
    return nb::cast<int>(process_(reinterpret_cast<std::uintptr_t>(handle), mode,
                                  reinterpret_cast<std::uintptr_t>(samples), count));
}

EXPORT double mixed(int a, double b, int c, double d, int e, double f, int g, double h) {
    nb::gil_scoped_acquire gil;
    return nb::cast<double>(mixed_(a, b, c, d, e, f, g, h));
}

EXPORT int process_view(void *handle, int mode, const double *samples, std::size_t count) {
    nb::gil_scoped_acquire gil;
    const nb::ndarray<nb::memview, const double, nb::ndim<1>> view(samples, {count}, nb::none());
    return nb::cast<int>(
        process_view_(reinterpret_cast<std::uintptr_t>(handle), mode, view, count));
}

EXPORT const char *greet(const char *text) {
    thread_local std::string kept;
    nb::gil_scoped_acquire gil;
    kept = nb::cast<std::string>(greet_(text));
    return kept.c_str();
}

EXPORT void *voice_new() { return voice_.ptr(); }

EXPORT double step(void *voice, double by) {
    nb::gil_scoped_acquire gil;
    return nb::cast<double>(step_(nb::handle(static_cast<PyObject *>(voice)), by));
}

EXPORT double event(const struct event *one) {
    nb::gil_scoped_acquire gil;
    return nb::cast<double>(event_(one));
}

EXPORT int drive(int number) {
    nb::gil_scoped_acquire gil;
    return nb::cast<int>(drive_(number));
}

NB_MODULE(nanobind_contender, module) {
    const nb::module_ bodies = nb::module_::import_("bodies");
    const auto take = [&](const char *name) { return nb::object(bodies.attr(name)).release(); };
    f_ = take("f");
    add_ = take("add");
    f3_ = take("f3");
    text_len_ = take("text_len");
    process_ = take("process");
    mixed_ = take("mixed");
    process_view_ = take("process_view");
    greet_ = take("greet");
    voice_ = nb::object(take("Voice")()).release();
    step_ = nb::object(bodies.attr("Voice").attr("step")).release();
    event_ = take("event");
    nb::class_<struct event>(module, "Event")
        .def_ro("kind", &event::kind)
        .def_ro("value", &event::value);
    module.def("host_twice", &host_twice, nb::call_guard<nb::gil_scoped_release>());
    drive_ = nb::object(bodies.attr("driver")(module)).release();
    module.doc() = "C functions that call Python";
}
