// What the package calls of the core: the functions of epy._core.
//
// Long because it is one table, with what stands between its rows and the parts of the core.
#include "loader/core/module/functions.h"

#include <sys/prctl.h>

#include <climits>
#include <cstring>

#include "loader/core/call/callback.h"
#include "loader/core/call/scope.h"
#include "loader/core/call/view.h"
#include "loader/core/embed/callbacks.h"
#include "loader/core/embed/capsule.h"
#include "loader/core/embed/host_object.h"
#include "loader/core/guarded.h"
#include "loader/core/headers/header_types.h"
#include "loader/core/headers/stored.h"
#include "loader/core/headers/text.h"
#include "loader/core/host/function_calls.h"
#include "loader/core/host/kept_gil.h"
#include "loader/core/host/recording.h"
#include "loader/core/noted_error.h"
#include "loader/core/plugin/archive.h"
#include "loader/core/plugin/end.h"
#include "loader/core/plugin/leftovers.h"
#include "loader/core/plugin/native_plugin.h"
#include "loader/core/plugin/plain_exports.h"
#include "loader/core/plugin/signals.h"
#include "loader/core/plugin/to_run.h"
#include "loader/core/plugin/type_references.h"
#include "loader/core/plugin/vetting.h"
#include "loader/core/thread/open_scopes.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/items.h"
#include "loader/log.h"
#include "loader/paths.h"

namespace epy {

namespace {

PyObject *current_plugin(PyObject *module, PyObject *) {
    PyObject *plugin = running_plugin(state_of(module));
    return Py_NewRef(plugin == nullptr ? Py_None : plugin);
}

PyObject *run_for(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    if (count < 2 || !Py_IS_TYPE(arguments[0], state_of(module).plugin_type)) {
        PyErr_SetString(PyExc_TypeError, "run_for takes a NativePlugin, a function, its arguments");
        return nullptr;
    }
    const ref plugin = ref::borrowed(arguments[0]);
    const plugin_scope now(plugin.get(), running.found());
    return PyObject_Vectorcall(arguments[1], arguments + 2, static_cast<std::size_t>(count - 2),
                               names);
}

// sys._current_frames() makes frames of all interpreters' threads, also of those that run meanwhile
// and have a lock and memory of their own: these free what is not theirs.
PyObject *frame_of(PyObject *, PyObject *thread) {
    const unsigned long wanted = PyLong_AsUnsignedLong(thread);
    if (wanted == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    PyFrameObject *found = nullptr;
    PyThreadState *one = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; one != nullptr && found == nullptr; one = PyThreadState_Next(one)) {
        found = one->thread_id == wanted ? PyThreadState_GetFrame(one) : nullptr;
    }
    return found == nullptr ? Py_NewRef(Py_None) : reinterpret_cast<PyObject *>(found);
}

PyObject *set_errno(PyObject *module, PyObject *number) {
    int overflow = 0;
    const long value = PyLong_Check(number) ? PyLong_AsLongAndOverflow(number, &overflow) : -1;
    if (value < 0 || value > INT_MAX) {
        PyErr_Format(!PyLong_Check(number)             ? PyExc_TypeError
                     : overflow > 0 || value > INT_MAX ? PyExc_OverflowError
                                                       : PyExc_ValueError,
                     "epy.set_errno(number=%R): give an int from 0 to %d", number, INT_MAX);
        return nullptr;
    }
    const bool in_call =
        running.runner != nullptr && Py_IS_TYPE(running.runner, state_of(module).callback_type);
    if (in_call) {
        extras_of_this_call().error_number = static_cast<int>(value);
    }
    return PyBool_FromLong(in_call);
}

// False with a Python exception.
bool level_from(long number, log_level &level) {
    if (number < 0 || number > static_cast<long>(log_level::error)) {
        PyErr_SetString(PyExc_ValueError, "no such level");
        return false;
    }
    level = static_cast<log_level>(number);
    return true;
}

PyObject *ask_if_logged(PyObject *, PyObject *number) {
    log_level level{};
    const long value = PyLong_AsLong(number);
    return (value == -1 && PyErr_Occurred() != nullptr) || !level_from(value, level)
               ? nullptr
               : PyBool_FromLong(is_logged(level) ? 1 : 0);
}

PyObject *log_to_file_of_log(PyObject *, PyObject *arguments) {
    int number = 0;
    const char *text = nullptr;
    Py_ssize_t size = 0;
    log_level level{};
    if (PyArg_ParseTuple(arguments, "iy#:log_to_file", &number, &text, &size) == 0 ||
        !level_from(number, level)) {
        return nullptr;
    }
    return PyBool_FromLong(
        log_to_file(level, std::string_view(text, static_cast<std::size_t>(size))) ? 1 : 0);
}

// To say in an exception that a file is not there takes longer than to look.
PyObject *exists_for_python(PyObject *, PyObject *path) {
    PyObject *name = nullptr;
    if (PyUnicode_FSConverter(path, &name) == 0) {
        if (PyErr_ExceptionMatches(PyExc_ValueError) == 0) {
            return nullptr;
        }
        PyErr_Clear(); // no file can have that name
        Py_RETURN_FALSE;
    }
    const ref owned(name);
    return PyBool_FromLong(exists(PyBytes_AS_STRING(name)) ? 1 : 0);
}

PyObject *thread_name(PyObject *, PyObject *) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    return PyUnicode_DecodeUTF8(name, static_cast<Py_ssize_t>(std::strlen(name)),
                                "backslashreplace");
}

PyObject *set_reporter(PyObject *module, PyObject *reporter) {
    Py_XSETREF(state_of(module).reporter, Py_NewRef(reporter));
    Py_RETURN_NONE;
}

// What epy._report does with an exception.
PyObject *note_error_of_call(PyObject *, PyObject *arguments) {
    PyObject *exception = nullptr;
    PyObject *texts[4] = {};
    if (PyArg_ParseTuple(arguments, "OOOOO:note_error", &exception, &texts[0], &texts[1], &texts[2],
                         &texts[3]) == 0) {
        return nullptr;
    }
    const c_text plugin(texts[0]);
    const c_text function(texts[1]);
    const c_text traceback(texts[2]);
    const c_text thread(texts[3]);
    note_error(exception, plugin.get(), function.get(), traceback.get(),
               *thread.get() == '\0' ? nullptr : thread.get());
    Py_RETURN_NONE;
}

PyObject *log(PyObject *, PyObject *arguments) {
    int level = 0;
    PyObject *about = nullptr;
    PyObject *message = nullptr;
    int is_error = 0;
    if (PyArg_ParseTuple(arguments, "iOOp:log", &level, &about, &message, &is_error) == 0) {
        return nullptr;
    }
    bool is_taken = false;
    if (const c_text plugin(about); host != nullptr && host->has_sink(plugin.get())) {
        const c_text text(message);
        const floor_for_scopes floor; // the sink is the host's code
        const gil_as_found meanwhile;
        is_taken = host->give_to_sink(level, plugin.get(), text.get(), is_error != 0);
    }
    return PyBool_FromLong(is_taken ? 1 : 0);
}

PyObject *set_callback_maker(PyObject *module, PyObject *maker) {
    Py_XSETREF(state_of(module).callback_maker, Py_NewRef(maker));
    Py_RETURN_NONE;
}

PyObject *give_handle(PyObject *module, PyObject *arguments) {
    PyObject *object = nullptr;
    PyObject *expected = nullptr;
    PyObject *plugin = nullptr;
    std::uint64_t address = 0;
    if (PyArg_ParseTuple(arguments, "OO!O:give_handle", &object, &PyType_Type, &expected,
                         &plugin) == 0 ||
        !handle_of_object(state_of(module), reinterpret_cast<PyTypeObject *>(expected), object,
                          plugin == Py_None ? nullptr : plugin, address)) {
        return nullptr;
    }
    return PyLong_FromUnsignedLongLong(address);
}

// What epy._host.objects tells once it is imported.
PyObject *use_handles(PyObject *module, PyObject *arguments) {
    PyObject *object = nullptr;
    PyObject *handle = nullptr;
    PyObject *argument_error = nullptr;
    module_state &state = state_of(module);
    if (PyArg_ParseTuple(arguments, "O!O!O:use_handles", &PyType_Type, &object, &PyType_Type,
                         &handle, &argument_error) == 0 ||
        !find_ctypes(state)) {
        return nullptr;
    }
    const bool is_first = state.object_base == nullptr;
    Py_XSETREF(state.object_base, reinterpret_cast<PyTypeObject *>(Py_NewRef(object)));
    Py_XSETREF(state.handle_base, reinterpret_cast<PyTypeObject *>(Py_NewRef(handle)));
    Py_XSETREF(state.argument_error, Py_NewRef(argument_error));
    if (is_first) {
        look_for_handles(state);
    }
    Py_RETURN_NONE;
}

PyObject *use_ctypes(PyObject *module, PyObject *) {
    return find_ctypes(state_of(module)) ? Py_NewRef(Py_None) : nullptr;
}

PyObject *note_argument_handle(PyObject *, PyObject *handle) {
    note_argument(handle);
    Py_RETURN_NONE;
}

PyObject *take_handle_back(PyObject *module, PyObject *arguments) {
    PyObject *handle = nullptr;
    PyObject *object = nullptr;
    if (PyArg_ParseTuple(arguments, "OO:take_handle_back", &handle, &object) == 0) {
        return nullptr;
    }
    take_back(state_of(module), handle, object);
    return PyErr_Occurred() == nullptr ? Py_NewRef(Py_None) : nullptr;
}

PyObject *find_handle(PyObject *module, PyObject *object) {
    return PyLong_FromVoidPtr(state_of(module).handles->of_object(object));
}

PyObject *release_handle(PyObject *module, PyObject *object) {
    handle_table &table = *state_of(module).handles;
    handle_cell *cell = table.of_object(object);
    if (cell != nullptr) {
        table.release(*cell);
        table.collect();
    }
    return PyBool_FromLong(cell == nullptr ? 0 : 1);
}

PyObject *resolve_handle(PyObject *module, PyObject *arguments) {
    unsigned long long address = 0;
    PyObject *expected = nullptr;
    int consume = 0;
    if (PyArg_ParseTuple(arguments, "KO!p:resolve_handle", &address, &PyType_Type, &expected,
                         &consume) == 0) {
        return nullptr;
    }
    return object_of_handle(state_of(module), reinterpret_cast<PyTypeObject *>(expected), address,
                            consume != 0);
}

PyObject *held_by_host(PyObject *module, PyObject *plugin) {
    ref objects(PyList_New(0));
    const bool listed = objects && state_of(module).handles->list(plugin, objects.get());
    return listed ? objects.release() : nullptr;
}

PyObject *take_from_host(PyObject *module, PyObject *plugin) {
    ref kept(PyList_New(0));
    if (!kept || !state_of(module).handles->drop(plugin, kept.get())) {
        return nullptr;
    }
    if (!take_callbacks_back(state_of(module), plugin, kept.get())) {
        return nullptr;
    }
    std::vector<ref> held;
    forget_dropped_callbacks(state_of(module), plugin, held);
    for (const ref &one : held) {
        if (one && PyList_Append(kept.get(), one.get()) != 0) {
            return nullptr;
        }
    }
    return kept.release();
}

PyObject *keep_gil(PyObject *, PyObject *type) {
    if (PyType_Check(type) == 0) {
        PyErr_SetString(PyExc_TypeError, "keep_gil takes a class of function pointers");
        return nullptr;
    }
    return class_that_keeps_gil(reinterpret_cast<PyTypeObject *>(type)).release();
}

} // namespace

PyMethodDef module_functions[] = {
    {"call_as_found",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guarded<call_as_found>)),
     METH_FASTCALL | METH_KEYWORDS,
     "call_as_found(function, *arguments): calls a function pointer with the GIL, and the "
     "interpreter, that the host's call came with."},
    {"end_of_calls", guarded<end_of_calls>, METH_NOARGS,
     "end_of_calls(): this interpreter ends, no call is served there any more."},
    {"keep_gil", guarded<keep_gil>, METH_O,
     "keep_gil(class of function pointers) -> a subclass whose calls keep the GIL, or itself."},
    {"use_ctypes", guarded<use_ctypes>, METH_NOARGS,
     "use_ctypes(): it has just been imported: calls of its functions are epy's from now on."},
    {"call", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guarded<call_recording>)),
     METH_FASTCALL | METH_KEYWORDS,
     "call(function, *arguments): exceptions of callbacks that it calls are raised here."},
    {"current_plugin", guarded<current_plugin>, METH_NOARGS,
     "current_plugin() -> the NativePlugin whose script or callback runs on this thread, or None."},
    {"run_for", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guarded<run_for>)),
     METH_FASTCALL | METH_KEYWORDS,
     "run_for(plugin, function, *arguments): what the function makes is the plugin's."},
    {"describe_host_class", guarded<describe_host_class>, METH_O,
     "describe_host_class(name) -> ([(prototype, address, name or None)], key), or None."},
    {"host_object_address", guarded<host_object_address>, METH_VARARGS,
     "host_object_address(object, class) -> the host's pointer, or None."},
    {"wrap_host_object", guarded<wrap_host_object>, METH_VARARGS,
     "wrap_host_object(class, address) -> the wrapper."},
    {"plain_exporter", guarded<plain_exporter>, METH_O,
     "plain_exporter(export) -> what epy.export is in a plugin: most exports of a start are made "
     "at once."},
    {"exists", guarded<exists_for_python>, METH_O, "exists(path) -> whether a file is there."},
    {"parse_archive", guarded<parse_archive>, METH_O,
     "parse_archive(bytes) -> a list of each kind of block; None if it is damaged."},
    {"archive_lines", guarded<archive_lines>, METH_O,
     "archive_lines(bytes) -> list of str; None if the last does not end."},
    {"public_capsule", guarded<public_capsule>, METH_NOARGS,
     "public_capsule() -> epy._C_API, for other extension modules."},
    {"note_error", guarded<note_error_of_call>, METH_VARARGS,
     "note_error(exception, plugin's path or None, function, traceback, thread): it is what the "
     "host gets from epy_last_error."},
    {"log", guarded<log>, METH_VARARGS,
     "log(level, plugin's path or None, text, is about the last error) -> whether a sink of the "
     "host's took it."},
    {"is_logged", guarded<ask_if_logged>, METH_O, "is_logged(level) -> whether EPY_LOG wants it."},
    {"log_to_file", guarded<log_to_file_of_log>, METH_VARARGS,
     "log_to_file(level, bytes) -> whether there is a file for it."},
    {"thread_name", guarded<thread_name>, METH_NOARGS,
     "thread_name() -> what the system calls this thread."},
    {"set_callback_maker", guarded<set_callback_maker>, METH_O,
     "set_callback_maker(callable): called with (function type, callable) where a function pointer "
     "is due; returns one."},
    {"set_reporter", guarded<set_reporter>, METH_O,
     "set_reporter(callable): called with (callback, exception) for each exception in a callback."},
    {"set_errno", guarded<set_errno>, METH_O,
     "set_errno(number): what the host sees after this call. False outside a call."},
    {"signal_handler", guarded<signal_handler>, METH_O,
     "signal_handler(number) -> what handles a signal: an address, 0 for its default, 1 for "
     "nothing."},
    {"keep_signal", guarded<keep_signal>, METH_O,
     "keep_signal(number) -> what the signal does now, for put_signal_back."},
    {"put_signal_back", guarded<put_signal_back>, METH_O,
     "put_signal_back(kept): the signal does that again."},
    {"text_argument", guarded<text_argument>, METH_O,
     "text_argument(value) -> a c_char_p: of a str its own UTF-8, which lives as long as the str."},
    {"give_handle", guarded<give_handle>, METH_VARARGS,
     "give_handle(object or None, class, plugin or None) -> a pointer for the host."},
    {"use_handles", guarded<use_handles>, METH_VARARGS,
     "use_handles(Object, class of handles, ArgumentError)."},
    {"note_argument", guarded<note_argument_handle>, METH_O,
     "note_argument(handle): it was made for an argument of the call that is being prepared."},
    {"take_handle_back", guarded<take_handle_back>, METH_VARARGS,
     "take_handle_back(handle, object): the handle's object dies: its reference, unless it left."},
    {"find_handle", guarded<find_handle>, METH_O, "find_handle(object) -> its handle, or 0."},
    {"release_handle", guarded<release_handle>, METH_O,
     "release_handle(object) -> whether the host had a reference to it, which is taken back."},
    {"resolve_handle", guarded<resolve_handle>, METH_VARARGS,
     "resolve_handle(address, class, consume) -> the object, None for 0."},
    {"held_by_host", guarded<held_by_host>, METH_O,
     "held_by_host(plugin) -> the objects that hosts hold by handles of the plugin."},
    {"take_from_host", guarded<take_from_host>, METH_O,
     "take_from_host(plugin) -> what handles in the host's hands and callbacks that are gone still "
     "kept alive; they do no more."},
    {"array_types", guarded<array_types>, METH_NOARGS,
     "array_types() -> ctypes' dictionary of them, by (item type, length), or None."},
    {"make_young", guarded<make_young>, METH_O,
     "make_young(list) -> the generation that then has all that the list leads to."},
    {"prepare_headers", guarded<prepare_headers>, METH_NOARGS,
     "prepare_headers(): make what headers need: Fields, Items, Pointer and so on."},
    {"instance", guarded<instance>, METH_VARARGS,
     "instance(ctype, value) -> an object of the type that holds a Python value."},
    {"mark_to_run", guarded<mark_to_run>, METH_NOARGS,
     "mark_to_run() -> an int for something that this process has to run once, or the forked child "
     "that comes into its place."},
    {"take_to_run", guarded<take_to_run>, METH_O,
     "take_to_run(mark) -> whether this process runs it. Once."},
    {"frame_of", guarded<frame_of>, METH_O,
     "frame_of(thread) -> the frame that a thread of this interpreter's runs, or None."},
    {"has_raised_privileges", guarded<has_raised_privileges>, METH_NOARGS,
     "has_raised_privileges() -> whether this process can do what its user cannot."},
    {"check_trusted", guarded<check_trusted>, METH_O,
     "check_trusted(path): UntrustedFileError if the process has raised privileges and others can "
     "change the file or folder."},
    {"check_refusals", guarded<check_refusals>, METH_NOARGS,
     "check_refusals(): UntrustedFileError if an import was refused, even if that was caught."},
    {"view", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(guarded<view>)),
     METH_FASTCALL | METH_KEYWORDS, view_doc},
    {},
};

} // namespace epy
