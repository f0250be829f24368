// pybind11: C functions that take the GIL and call a py::object.
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "../signatures.h"

namespace py = pybind11;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
py::handle f_, add_, f3_, text_len_, process_, mixed_, process_view_;
py::handle greet_, voice_, step_, event_, drive_;
} // namespace

EXPORT void f() {
    py::gil_scoped_acquire gil;
    f_();
}

EXPORT int add(int a, int b) {
    py::gil_scoped_acquire gil;
    return add_(a, b).cast<int>();
}

EXPORT double f3(double a, double b, double c) {
    py::gil_scoped_acquire gil;
    return f3_(a, b, c).cast<double>();
}

EXPORT std::size_t len(const char *text) {
    py::gil_scoped_acquire gil;
    return text_len_(py::bytes(text)).cast<std::size_t>();
}

EXPORT int process(void *handle, int mode, const double *samples, std::size_t count) {
    py::gil_scoped_acquire gil;
    return process_(reinterpret_cast<std::uintptr_t>(handle), mode,
                    reinterpret_cast<std::uintptr_t>(samples), count)
        .cast<int>();
}

EXPORT double mixed(int a, double b, int c, double d, int e, double f, int g, double h) {
    py::gil_scoped_acquire gil;
    return mixed_(a, b, c, d, e, f, g, h).cast<double>();
}

EXPORT int process_view(void *handle, int mode, const double *samples, std::size_t count) {
    py::gil_scoped_acquire gil;
    const auto view = py::memoryview::from_buffer(samples, {count}, {sizeof *samples});
    return process_view_(reinterpret_cast<std::uintptr_t>(handle), mode, view, count).cast<int>();
}

EXPORT const char *greet(const char *text) {
    thread_local std::string kept;
    py::gil_scoped_acquire gil;
    kept = greet_(text).cast<std::string>();
    return kept.c_str();
}

EXPORT void *voice_new() { return voice_.ptr(); }

EXPORT double step(void *voice, double by) {
    py::gil_scoped_acquire gil;
    return step_(py::handle(static_cast<PyObject *>(voice)), by).cast<double>();
}

EXPORT double event(const struct event *one) {
    py::gil_scoped_acquire gil;
    return event_(one).cast<double>();
}

EXPORT int drive(int number) {
    py::gil_scoped_acquire gil;
    return drive_(number).cast<int>();
}

PYBIND11_MODULE(pybind11_contender, module) {
    const py::module_ bodies = py::module_::import("bodies");
    const auto take = [&](const char *name) {
        return bodies.attr(name).cast<py::object>().release();
    };
    f_ = take("f");
    add_ = take("add");
    f3_ = take("f3");
    text_len_ = take("text_len");
    process_ = take("process");
    mixed_ = take("mixed");
    process_view_ = take("process_view");
    greet_ = take("greet");
    voice_ = py::object(take("Voice")()).release();
    step_ = py::object(bodies.attr("Voice").attr("step")).release();
    event_ = take("event");
    py::class_<struct event>(module, "Event")
        .def_readonly("kind", &event::kind)
        .def_readonly("value", &event::value);
    module.def("host_twice", &host_twice, py::call_guard<py::gil_scoped_release>());
    drive_ = py::object(bodies.attr("driver")(module)).release();
    module.doc() = "C functions that call Python";
}
