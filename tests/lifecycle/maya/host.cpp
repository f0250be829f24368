// A program of the kind of Maya: it embeds Python, its API is C++, and so are its plugins.
//
//   host SCRIPT [hold]     run a Python script; with "hold" plugins are loaded and unloaded without
//                          giving the interpreter's lock up
//
// Its Python has a module `cmds`: loadPlugin(path), unloadPlugin(path), ls(selection=False) and
// memory(). A plugin exports initializePlugin(MObject) and uninitializePlugin(MObject), under the
// names that a C++ compiler makes of them.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// ---- the API: what plugins find in the program under C++ names

#define API __attribute__((visibility("default")))

class API MString {
public:
    MString(const char *text) : text_(text) {}
    ~MString() {}
    const char *asChar() const { return text_; }

private:
    const char *text_;
};

class API MStatus {
public:
    enum MStatusCode { kSuccess, kFailure, kInsufficientMemory, kInvalidParameter, kNotFound = 7 };
    MStatus(MStatusCode code) : code_(code) {}
    MStatus(const MStatus &other) : code_(other.code_) {} // so it is returned through memory
    ~MStatus() {}
    explicit operator bool() const { return code_ == kSuccess; }
    MStatusCode statusCode() const { return code_; }

private:
    MStatusCode code_;
};

// What stands for the plugin when it is called.
class API MObject {
public:
    explicit MObject(const std::string &path) : path_(path) {}
    ~MObject() {} // so it is passed by its address
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

class API MSelectionList {
public:
    MSelectionList();
    ~MSelectionList();
    MStatus add(const MString &name);
    MStatus merge(const MSelectionList &other);
    unsigned length() const;
    std::vector<std::string> *nodes;
};

class API MGlobal {
public:
    static MStatus getActiveSelectionList(MSelectionList &list);
    static MStatus setActiveSelectionList(const MSelectionList &list);
    static void displayInfo(const MString &text);
};

namespace {

const char *const scene[] = {"pCube1", "pSphere1", "persp"};
std::vector<std::string> active;

bool has(const std::vector<std::string> &nodes, std::string_view name) {
    return std::find(nodes.begin(), nodes.end(), name) != nodes.end();
}

} // namespace

MSelectionList::MSelectionList() : nodes(new std::vector<std::string>) {}
MSelectionList::~MSelectionList() { delete nodes; }
unsigned MSelectionList::length() const { return static_cast<unsigned>(nodes->size()); }

MStatus MSelectionList::add(const MString &name) {
    if (name.asChar() == nullptr || *name.asChar() == '\0') {
        return MStatus::kInvalidParameter;
    }
    if (std::find(std::begin(scene), std::end(scene), std::string_view(name.asChar())) ==
        std::end(scene)) {
        return MStatus::kNotFound;
    }
    if (!has(*nodes, name.asChar())) {
        nodes->push_back(name.asChar());
    }
    return MStatus::kSuccess;
}

MStatus MSelectionList::merge(const MSelectionList &other) {
    for (const std::string &node : *other.nodes) {
        if (!has(*nodes, node)) {
            nodes->push_back(node);
        }
    }
    return MStatus::kSuccess;
}

MStatus MGlobal::getActiveSelectionList(MSelectionList &list) {
    *list.nodes = active;
    return MStatus::kSuccess;
}

MStatus MGlobal::setActiveSelectionList(const MSelectionList &list) {
    active = *list.nodes;
    return MStatus::kSuccess;
}

void MGlobal::displayInfo(const MString &text) {
    std::printf("// %s //\n", text.asChar());
    std::fflush(stdout);
}

// ---- the commands of its Python

namespace {

using entry_point = MStatus(MObject);

std::map<std::string, void *> plugins;
bool hold = false;

// As Maya does: the compiler's name of `MStatus NAME(MObject)`.
entry_point *find_entry(void *plugin, const std::string &name) {
    const std::string mangled = "_Z" + std::to_string(name.size()) + name + "7MObject";
    return reinterpret_cast<entry_point *>(dlsym(plugin, mangled.c_str()));
}

template <typename Work> void run_outside_python(Work work) {
    if (hold) {
        work();
        return;
    }
    PyThreadState *state = PyEval_SaveThread();
    work();
    PyEval_RestoreThread(state);
}

PyObject *load_plugin(PyObject *, PyObject *argument) {
    const char *path = PyUnicode_AsUTF8(argument);
    if (path == nullptr) {
        return nullptr;
    }
    std::string problem;
    run_outside_python([&] {
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        entry_point *initialize = plugin ? find_entry(plugin, "initializePlugin") : nullptr;
        if (initialize == nullptr) {
            problem = dlerror();
        } else if (!initialize(MObject(path))) {
            problem = "initializePlugin failed";
            dlclose(plugin);
        } else {
            plugins[path] = plugin;
        }
    });
    if (!problem.empty()) {
        PyErr_Format(PyExc_RuntimeError, "%s: %s", path, problem.c_str());
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject *unload_plugin(PyObject *, PyObject *argument) {
    const char *path = PyUnicode_AsUTF8(argument);
    if (path == nullptr) {
        return nullptr;
    }
    const auto found = plugins.find(path);
    if (found == plugins.end()) {
        PyErr_Format(PyExc_RuntimeError, "%s: is not loaded", path);
        return nullptr;
    }
    run_outside_python([&] {
        find_entry(found->second, "uninitializePlugin")(MObject(path));
        dlclose(found->second);
    });
    plugins.erase(found);
    Py_RETURN_NONE;
}

PyObject *ls(PyObject *, PyObject *) {
    PyObject *names = PyList_New(0);
    for (const std::string &node : active) {
        PyObject *name = PyUnicode_FromString(node.c_str());
        PyList_Append(names, name);
        Py_DECREF(name);
    }
    return names;
}

// What a sanitizer's own memory and what it keeps of freed memory are no part of: it counts itself.
long allocated_kilobytes() {
    using Count = std::size_t();
    if (void *counts = dlsym(RTLD_DEFAULT, "__sanitizer_get_current_allocated_bytes")) {
        return static_cast<long>(reinterpret_cast<Count *>(counts)() / 1024);
    }
    const struct mallinfo2 all = mallinfo2();
    return static_cast<long>((all.uordblks + all.hblkhd) / 1024);
}

PyObject *memory(PyObject *, PyObject *) { return PyLong_FromLong(allocated_kilobytes()); }

PyMethodDef commands[] = {
    {"loadPlugin", load_plugin, METH_O, "loadPlugin(path)"},
    {"unloadPlugin", unload_plugin, METH_O, "unloadPlugin(path)"},
    {"ls", ls, METH_NOARGS, "ls() -> names of the selected nodes"},
    {"memory", memory, METH_NOARGS, "memory() -> what malloc has given this process, in KB"},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "cmds", nullptr, -1, commands, nullptr, nullptr, nullptr, nullptr};

} // namespace

int main(int argc, char **argv) {
    hold = argc > 2 && std::string_view(argv[2]) == "hold";
    PyImport_AppendInittab("cmds", [] { return PyModule_Create(&module); });
    Py_Initialize();
    std::FILE *script = std::fopen(argv[1], "r");
    const int failed = script == nullptr || PyRun_SimpleFileEx(script, argv[1], 1) != 0;
    return Py_FinalizeEx() != 0 || failed ? 1 : 0;
}
