// A host that configures its Python: with Py_SetProgramName and Py_Initialize, or (`from_config`)
// as FreeRADIUS' rlm_python3 with PyConfig. Then it runs the code in the variable RUN.
#include <Python.h>
#include <stdlib.h>
#include <string.h>

int with_variables(void) {
    static wchar_t name[] = L"/some/folder/program";
    Py_SetProgramName(name);
    Py_VerboseFlag = 0;
    Py_Initialize();
    return PyRun_SimpleString(getenv("RUN"));
}

#if PY_VERSION_HEX < 0x030d0000
int with_path(void) {
    wchar_t path[4096];
    mbstowcs(path, getenv("PATHS"), sizeof path / sizeof *path);
    Py_SetPath(path);
    Py_Initialize();
    return PyRun_SimpleString(getenv("RUN"));
}
#endif

int preconfigured(void) {
    PyPreConfig config;
    PyPreConfig_InitPythonConfig(&config);
    config.utf8_mode = 1;
    if (PyStatus_Exception(Py_PreInitialize(&config)))
        return -1;
    Py_Initialize();
    return PyRun_SimpleString(getenv("RUN"));
}

int without_signals(void) {
    Py_InitializeEx(0);
    return PyRun_SimpleString(getenv("RUN"));
}

int without_site(void) {
    Py_NoSiteFlag = 1;
    Py_IgnoreEnvironmentFlag = 1;
    Py_Initialize();
    return PyRun_SimpleString(getenv("RUN"));
}

static int start_with(PyConfig *config) {
    PyStatus status = Py_InitializeFromConfig(config);
    PyConfig_Clear(config);
    if (PyStatus_Exception(status))
        return -1;
    const int result = PyRun_SimpleString(getenv("RUN"));
    PyEval_SaveThread();
    return result;
}

int from_config(void) {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    wchar_t *words[] = {L"host", L"-x", L"argument"};
    config.parse_argv = 0;
    config.optimization_level = 2;
    PyConfig_SetArgv(&config, 3, words);
    PyConfig_SetString(&config, &config.program_name, L"/some/other/program");
    return start_with(&config);
}

int isolated(void) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.module_search_paths_set = 1;
    wchar_t path[256];
    for (char *paths = strdup(getenv("PATHS")), *one; (one = strsep(&paths, ":")) != NULL;) {
        mbstowcs(path, one, sizeof path / sizeof *path);
        PyWideStringList_Append(&config.module_search_paths, path);
    }
    return start_with(&config);
}

#if PY_VERSION_HEX >= 0x030e0000
static struct PyModuleDef built_in = {.m_name = "built_in", .m_size = -1};
static PyObject *init_built_in(void) { return PyModule_Create(&built_in); }

int from_init_config(void) {
    char *words[] = {"host", "-x", "argument"};
    PyInitConfig *config = PyInitConfig_Create();
    PyInitConfig_SetInt(config, "use_environment", 1);
    PyInitConfig_SetInt(config, "optimization_level", 2);
    PyInitConfig_SetInt(config, "utf8_mode", 0);
    PyInitConfig_SetStrList(config, "argv", 3, words);
    PyInitConfig_SetStr(config, "program_name", "/some/other/program");
    PyInitConfig_AddModule(config, "built_in", init_built_in);
    if (Py_InitializeFromInitConfig(config) != 0) {
        const char *message;
        PyInitConfig_GetError(config, &message);
        printf("%s\n", message);
        return -1;
    }
    PyInitConfig_Free(config);
    PyRun_SimpleString("import built_in, sys; print('built_in' in sys.builtin_module_names)");
    const int result = PyRun_SimpleString(getenv("RUN"));
    PyEval_SaveThread();
    return result;
}
#endif

int main_of_python(void) {
    char *words[] = {"python", "-c", getenv("RUN"), "more"};
    return Py_BytesMain(4, words);
}
