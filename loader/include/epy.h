/* epy.h: what a C or C++ host may ask of epy. C99 and C++, no Python header.
 *
 * A host needs none of it: exports of a plugin are plain functions. It is for a host that holds
 * Python objects, wants errors as values, or calls Python by name. Two ways to reach it:
 *
 *   linked     cc host.c $(epy --cflags --libs), or pkg-config; then call what is declared here;
 *   run time   `const epy_api *api = epy_connect(handle)`; then `api->call(...)` and so on.
 *
 * Ownership: "new" is the caller's to release; "borrowed" lives as long as it says; what is
 * "stolen" is taken from the caller also on failure. Text is UTF-8.
 * Threads: any thread may call any function, with Python's lock or without; it is found as it was
 * left. None may be called in a signal handler.
 * Long because all that a host may ask for stands in one header.
 *
 * Failure: NULL or -1, and epy_last_error() of this thread says why. NULL in gives NULL or -1 out.
 *
 * Functions of the host's that epy calls return: none lets a C++ exception out, jumps, or ends its
 * thread. Python knows of no exceptions: in what it calls (methods, retain, release, create, the
 * release of a memory, any C function) one ends the process, with a line. Of the others, which have
 * no Python around them, a visitor's is an error, and a sink's is dropped. A thread that calls
 * pthread_exit stays where it is, with a line.
 */
#ifndef EPY_H
#define EPY_H

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define EPY_API_VERSION 1

#if defined(__GNUC__)
#define EPY_API __attribute__((visibility("default")))
#else
#define EPY_API
#endif

/* No function lets a C++ exception out. */
#ifdef __cplusplus
#define EPY_NOEXCEPT noexcept
extern "C" {
#else
#define EPY_NOEXCEPT
#endif

typedef struct epy_plugin epy_plugin;
typedef struct epy_object epy_object;
typedef void epy_function(void); /* of any type: to be cast */

/* ---- The life of a plugin */

enum epy_state { EPY_NEW, EPY_STARTING, EPY_READY, EPY_FAILED, EPY_UNLOADED };

/* The plugin of a dlopen handle, or of the address of any of its exports. Borrowed until dlclose;
 * a pointer that is no plugin's any more is told from one that is. */
EPY_API epy_plugin *epy_plugin_of(const void *handle_or_export) EPY_NOEXCEPT;
EPY_API enum epy_state epy_plugin_state(const epy_plugin *plugin) EPY_NOEXCEPT;

/* Starts it now, on this thread, not at the first call. 0, also if it has started; or -1. */
EPY_API int epy_start(epy_plugin *plugin) EPY_NOEXCEPT;

/* To be called before dlclose, which then has nothing to wait for: on_unload hooks run here without
 * the dynamic loader's lock, so that they may import modules. Calls of its exports give their error
 * values from now on. 0; -1: it goes on in the background, call again to wait longer. */
EPY_API int epy_unload(epy_plugin *plugin, unsigned milliseconds) EPY_NOEXCEPT;

/* Before any plugin starts: the Python to start, as EPY_PYTHON has it (which it goes before). 0;
 * -1: there is a Python already. The text is copied. */
EPY_API int epy_set_python(const char *executable) EPY_NOEXCEPT;

/* Calls `visit` with each export, until that returns another number than 0, which is the result; 0
 * at the end. Starts the plugin. The texts are borrowed until the visit is over. */
typedef int epy_visit_export(const char *name, const char *c_prototype, void *address, void *user);
EPY_API int epy_each_export(epy_plugin *plugin, epy_visit_export *visit, void *user) EPY_NOEXCEPT;

/* ---- Errors */

/* Borrowed until the next error on this thread, or epy_clear_error. */
typedef struct epy_error {
    const char *type;      /* "ValueError", "spam.SpamError" for a class of the script spam.py */
    const char *message;   /* its text, one line or more */
    const char *traceback; /* as Python prints it; "" if there is none */
    const char *plugin;    /* the plugin's path, or "" */
    const char *function;  /* "export 'add'", or the function of this header that failed */
    const char *thread;    /* name or number */
    uint64_t count;        /* how many errors this thread has had */
} epy_error;

/* The latest error on this thread: of an export that gave its error value, or of a function of this
 * header that failed. Like errno it stays when a later call succeeds. NULL: none since the last
 * epy_clear_error. */
EPY_API const epy_error *epy_last_error_info(void) EPY_NOEXCEPT;
/* "ValueError: not a number"; NULL: none. */
EPY_API const char *epy_last_error(void) EPY_NOEXCEPT;
/* 1 if its class or one of that class's bases has this name: "OSError", "spam.SpamError",
 * "SpamError"; 0. */
EPY_API int epy_error_matches(const char *type) EPY_NOEXCEPT;
EPY_API void epy_clear_error(void) EPY_NOEXCEPT;

/* In a C function that Python called (a header's, or one of ctypes): this exception is raised there
 * when the function returns, whatever it returns. `type` is a class of the running script, one of
 * Python's own, or "module.Class". The format is printf's. Always -1, to be returned. Elsewhere it
 * is the last error, and nothing more. The last call counts; epy_clear_error takes it back. */
EPY_API int epy_raise(const char *type, const char *format, ...) EPY_NOEXCEPT;
EPY_API int epy_raise_va(const char *type, const char *format, va_list arguments) EPY_NOEXCEPT;
/* OSError of errno, or the class of OSError that it stands for: FileNotFoundError, ... */
EPY_API int epy_raise_errno(const char *file_name_or_null) EPY_NOEXCEPT;
/* The last error, which a function of this header gave: the exception itself goes on. */
EPY_API int epy_raise_again(void) EPY_NOEXCEPT;

/* Gets what else goes to stderr: one report, or one line, with its newline. On the thread that it
 * is about. Python's lock is as the host's call left it: no sink waits for it. */
enum epy_level { EPY_DEBUG, EPY_INFO, EPY_WARNING, EPY_ERROR };
typedef void epy_log_sink(int level, const char *text, const epy_error *error_or_null, void *user);
/* For one plugin until it is unloaded; for NULL: for all that have none of their own, and for lines
 * of no plugin. What a sink throws is dropped, and the text goes to stderr. A NULL sink takes it
 * back, and may still run on other threads that are in it. 0, or -1. */
EPY_API int epy_set_log(epy_plugin *plugin_or_null, epy_log_sink *sink, void *user) EPY_NOEXCEPT;

/* ---- Objects. An epy_object * is what exports with a class of epy.Object return and take. */

/* The same pointer; one reference more is the caller's. NULL: it is no live object. Neither this
 * nor release waits for anything; both are allowed after the unload, when the process exits, and
 * for pointers of any kind. */
EPY_API epy_object *epy_object_retain(epy_object *object) EPY_NOEXCEPT;
/* Gives one reference back. The object dies at the next call into Python. */
EPY_API void epy_object_release(epy_object *object) EPY_NOEXCEPT;
/* The host's references; 0: no live object. */
EPY_API uint64_t epy_object_refcount(const epy_object *object) EPY_NOEXCEPT;
/* 1 if its class or a base of it has this name (as in epy_error_matches); 0; -1: no live object. */
EPY_API int epy_object_is(const epy_object *object, const char *class_name) EPY_NOEXCEPT;
/* The name of its class. Borrowed from the object. */
EPY_API const char *epy_object_class(const epy_object *object) EPY_NOEXCEPT;
/* A weak reference, an object like any other: new. */
EPY_API epy_object *epy_weak(epy_object *object) EPY_NOEXCEPT;
/* What it refers to: new; NULL, without an error, if that is gone. */
EPY_API epy_object *epy_weak_lock(epy_object *weak) EPY_NOEXCEPT;

/* ---- Values. Any Python value can be an object; it belongs to no plugin. */

/* Formats are those of Py_BuildValue: i l L K n I k h b H B c C f d D are C's numbers, s s# y y# z
 * z# u u# text and bytes (a length is a Py_ssize_t, or ptrdiff_t), p an int for its truth, P a void
 * * as a number, O an object, N one that is stolen; ( ) [ ] { } make tuples, lists, dicts. NULL for
 * text or an object is None. Two units or more at the top are a tuple, none is None. New. */
EPY_API epy_object *epy_build(const char *format, ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_build_va(const char *format, va_list arguments) EPY_NOEXCEPT;
/* Formats are those of PyArg_ParseTuple, but what needs Python's header: O stores a new reference.
 * One unit at the top is for the value itself, more are for a tuple; (...) takes a tuple or list
 * apart. s, y, z are borrowed from the value. 0; or -1, and no place holds a reference. */
EPY_API int epy_parse(const epy_object *value, const char *format, ...) EPY_NOEXCEPT;
EPY_API int epy_parse_va(const epy_object *value, const char *format, va_list places) EPY_NOEXCEPT;

/* ---- Calls by name */

/* Calls a function of the script's module, export or not, or what "name.attribute" leads to; starts
 * the plugin. The format makes the arguments: epy_call(plugin, "add", "is", 1, "x"); NULL or "" are
 * none. New. */
EPY_API epy_object *epy_call(epy_plugin *plugin, const char *name, const char *format,
                             ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_va(epy_plugin *plugin, const char *name, const char *format,
                                va_list arguments) EPY_NOEXCEPT;
/* The last value is a dict of keywords: "i{s:s}". New. */
EPY_API epy_object *epy_call_kw(epy_plugin *plugin, const char *name, const char *format,
                                ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_kw_va(epy_plugin *plugin, const char *name, const char *format,
                                   va_list arguments) EPY_NOEXCEPT;
/* The result goes to a C variable: epy_call_into(plugin, "add", "i", &sum, "ii", 1, 2). `result` is
 * one unit of epy_parse, but no text, which would die with the result. 0, or -1. */
EPY_API int epy_call_into(epy_plugin *plugin, const char *name, const char *result, void *place,
                          const char *format, ...) EPY_NOEXCEPT;
EPY_API int epy_call_into_va(epy_plugin *plugin, const char *name, const char *result, void *place,
                             const char *format, va_list arguments) EPY_NOEXCEPT;
/* Calls an object. New. */
EPY_API epy_object *epy_call_object(epy_object *callable, const char *format, ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_object_va(epy_object *callable, const char *format,
                                       va_list arguments) EPY_NOEXCEPT;
/* Calls a method. New. */
EPY_API epy_object *epy_call_method(epy_object *object, const char *method, const char *format,
                                    ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_method_va(epy_object *object, const char *method, const char *format,
                                       va_list arguments) EPY_NOEXCEPT;
/* The same with a dict of keywords as the last value. New. */
EPY_API epy_object *epy_call_object_kw(epy_object *callable, const char *format, ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_object_kw_va(epy_object *callable, const char *format,
                                          va_list arguments) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_method_kw(epy_object *object, const char *method, const char *format,
                                       ...) EPY_NOEXCEPT;
EPY_API epy_object *epy_call_method_kw_va(epy_object *object, const char *method,
                                          const char *format, va_list arguments) EPY_NOEXCEPT;
/* An attribute. New. */
EPY_API epy_object *epy_get(epy_object *object, const char *attribute) EPY_NOEXCEPT;
/* Borrows the value; NULL deletes the attribute. 0, or -1. */
EPY_API int epy_set(epy_object *object, const char *attribute, epy_object *value) EPY_NOEXCEPT;

/* ---- Callbacks: function pointers that run Python
 *
 * One that a script passes is the script's: it lives as long as the Python object that it was made
 * of, and once that is gone a call gives its error value. A host that keeps it takes a reference.
 */

/* 0: the pointer is good until the host's last release of it, or until its plugin is unloaded,
 * whatever Python drops. -1: it is no live callback. C's own functions are none, nor are a plugin's
 * exports, which the plugin keeps. */
EPY_API int epy_callback_retain(epy_function *callback) EPY_NOEXCEPT;
/* Gives one reference back. Does not wait; allowed after the unload, when the process exits, and
 * for pointers of any kind. */
EPY_API void epy_callback_release(epy_function *callback) EPY_NOEXCEPT;
/* 1: a call runs Python; 0: it gives the error value, or the pointer is no callback. */
EPY_API int epy_callback_is_live(epy_function *callback) EPY_NOEXCEPT;
/* What C calls to run `callable`, which it keeps. The prototype is one of epy_method's kind, with
 * or without a name: "int (*)(void *user, const char *text)"; text is str. `error` is what C gets
 * when the callable raises, or after the last release; NULL: zero. It belongs to no plugin. New, to
 * be given to epy_callback_release; NULL. */
EPY_API epy_function *epy_callback_new(epy_object *callable, const char *c_prototype,
                                       epy_object *error) EPY_NOEXCEPT;

/* ---- The host's own objects in Python
 *
 * One host pointer has one Python object, its wrapper, with its attributes and weak references as
 * long as either side has it. The wrapper has one of the host's references. As long as the host has
 * others, it has a strong one to the wrapper; otherwise the wrapper lives as any Python object
 * does, and gives the host's reference back when it dies. */

typedef struct epy_method {
    /* With C's and POSIX's own types, pointers of any kind, and the host's classes: "int
     * peer_send(Peer *self, const char *text)". The first parameter is the object. Text is str. A
     * pointer of a class that is returned is borrowed: Python wraps it. Where C has a function
     * pointer, "void (*done)(void *, int)", scripts give any callable. */
    const char *c_prototype;
    epy_function *function;
    const char *name; /* in Python; NULL: that of the prototype */
} epy_method;

/* Called on any thread: retain, release and create with Python's lock, so they must not wait for a
 * thread that waits for Python; methods without it. */
typedef struct epy_class {
    const char *name;       /* "Peer", in scripts epy.host_class("Peer"), which may be subclassed */
    void (*retain)(void *); /* NULL, and release, too: the host has its objects, and each has its
                               wrapper, until epy_forget */
    void (*release)(void *);   /* may destroy the object */
    void *(*create)(void);     /* for an object that a script makes: the reference is the wrapper's.
                                  It may epy_raise. NULL: scripts make none */
    const epy_method *methods; /* the last has no prototype; NULL: none */
} epy_class;

/* Before the scripts that use it start. Copied, and there until the process ends. 0; -1: the name
 * is taken. A prototype that cannot be read is an exception in the script that asks for the class.
 */
EPY_API int epy_register_class(const epy_class *host_class) EPY_NOEXCEPT;
/* The wrapper: the same as before while either side has one. Retains the object for it. New. */
EPY_API epy_object *epy_wrap(const char *class_name, void *host_object) EPY_NOEXCEPT;
/* The host's object; NULL after epy_forget, and for objects of other classes. Borrowed. */
EPY_API void *epy_unwrap(const epy_object *object, const char *class_name) EPY_NOEXCEPT;
/* For the host's own retain and release, to be called after the count went from 1 to 2 (is_shared
 * 1), and from 2 to 1 (0): the last reference may be the wrapper's. Does nothing for an object
 * without a wrapper. A class whose host does not call it loses the wrapper with Python's last
 * reference to it. */
EPY_API void epy_share(void *host_object, int is_shared) EPY_NOEXCEPT;
/* The object dies: its wrapper stays, and uses of it raise epy.UnloadedError. For any pointer; from
 * a destructor, too. Waits for nothing, and needs no memory; so not for a method that is running,
 * either, on another thread: for that the host has to wait. */
EPY_API void epy_forget(void *host_object) EPY_NOEXCEPT;

/* `patient` lives at least as long as `nurse`, which can be any object with attributes: a wrapper,
 * an instance of a script's class. Borrows both. 0, or -1. */
EPY_API int epy_keep_alive(epy_object *nurse, epy_object *patient) EPY_NOEXCEPT;

/* ---- Memory */

/* A memoryview of the host's memory: bytes, which scripts may cast. `release(user)`, if there is
 * one, is called once Python is done with them, with all slices and arrays, on any thread, with
 * Python's lock; until then the memory stays. Not at the end of the process. New; NULL: the memory
 * is the caller's still. */
EPY_API epy_object *epy_memory(void *memory, size_t bytes, int writable,
                               void (*release)(void *user), void *user) EPY_NOEXCEPT;
/* The bytes of a Python object (bytes, bytearray, array, numpy's), without a copy. They are
 * borrowed from the result: stay there, and do not change in size, until that is released. New;
 * NULL, and both places are as they were. */
EPY_API epy_object *epy_buffer(epy_object *object, int writable, void **memory,
                               size_t *bytes) EPY_NOEXCEPT;

/* ---- Threads */

typedef struct epy_scope {
    void *opaque[8];
} epy_scope;
/* Keeps Python for many calls: each costs a third less. 0, or -1: then there is nothing to leave.
 * No other thread runs Python meanwhile. To be left on this thread, the last one first, and where
 * it was entered: a function that Python called cannot leave what was open before, and what it has
 * not left when it returns is ended for it, with a line in the log. A thread that ends inside gives
 * Python's lock up, with a line, too. */
EPY_API int epy_enter(epy_scope *scope) EPY_NOEXCEPT;
EPY_API void epy_leave(epy_scope *scope) EPY_NOEXCEPT;
/* Gives Python's lock away around something that blocks, and takes it back, if this thread has it:
 * inside of epy_enter (its scope may serve), and in what a thread with the lock has called. The
 * same holds for what is not resumed; but a function of ctypes.PyDLL's has to resume it itself. */
EPY_API void epy_pause(epy_scope *scope) EPY_NOEXCEPT;
EPY_API void epy_resume(epy_scope *scope) EPY_NOEXCEPT;

/* ---- The same as a table, for a host that is not linked with -lepy. Later versions have more
 * members at its end: `size` tells. */
typedef struct epy_api {
    uint32_t version; /* EPY_API_VERSION: another one has other functions */
    uint32_t size;    /* of the table in bytes */
    epy_plugin *(*plugin_of)(const void *handle_or_export);
    enum epy_state (*plugin_state)(const epy_plugin *);
    int (*start)(epy_plugin *);
    int (*unload)(epy_plugin *, unsigned milliseconds);
    int (*set_python)(const char *executable);
    int (*each_export)(epy_plugin *, epy_visit_export *visit, void *user);
    const epy_error *(*last_error_info)(void);
    const char *(*last_error)(void);
    int (*error_matches)(const char *type);
    void (*clear_error)(void);
    int (*raise)(const char *type, const char *format, ...);
    int (*raise_va)(const char *type, const char *format, va_list);
    int (*raise_errno)(const char *file_name_or_null);
    int (*raise_again)(void);
    int (*set_log)(epy_plugin *plugin_or_null, epy_log_sink *sink, void *user);
    epy_object *(*object_retain)(epy_object *);
    void (*object_release)(epy_object *);
    uint64_t (*object_refcount)(const epy_object *);
    int (*object_is)(const epy_object *, const char *class_name);
    const char *(*object_class)(const epy_object *);
    epy_object *(*weak)(epy_object *);
    epy_object *(*weak_lock)(epy_object *);
    epy_object *(*build)(const char *format, ...);
    epy_object *(*build_va)(const char *format, va_list);
    int (*parse)(const epy_object *value, const char *format, ...);
    int (*parse_va)(const epy_object *value, const char *format, va_list);
    epy_object *(*call)(epy_plugin *, const char *name, const char *format, ...);
    epy_object *(*call_va)(epy_plugin *, const char *name, const char *format, va_list);
    epy_object *(*call_kw)(epy_plugin *, const char *name, const char *format, ...);
    epy_object *(*call_kw_va)(epy_plugin *, const char *name, const char *format, va_list);
    int (*call_into)(epy_plugin *, const char *name, const char *result, void *place,
                     const char *format, ...);
    int (*call_into_va)(epy_plugin *, const char *name, const char *result, void *place,
                        const char *format, va_list);
    epy_object *(*call_object)(epy_object *, const char *format, ...);
    epy_object *(*call_object_va)(epy_object *, const char *format, va_list);
    epy_object *(*call_method)(epy_object *, const char *method, const char *format, ...);
    epy_object *(*call_method_va)(epy_object *, const char *method, const char *format, va_list);
    epy_object *(*get)(epy_object *, const char *attribute);
    int (*set)(epy_object *, const char *attribute, epy_object *value);
    int (*register_class)(const epy_class *);
    epy_object *(*wrap)(const char *class_name, void *host_object);
    void *(*unwrap)(const epy_object *, const char *class_name);
    void (*share)(void *host_object, int is_shared);
    void (*forget)(void *host_object);
    int (*enter)(epy_scope *);
    void (*leave)(epy_scope *);
    void (*pause)(epy_scope *);
    void (*resume)(epy_scope *);
    int (*callback_retain)(epy_function *callback);
    void (*callback_release)(epy_function *callback);
    int (*callback_is_live)(epy_function *callback);
    epy_function *(*callback_new)(epy_object *callable, const char *c_prototype, epy_object *error);
    int (*keep_alive)(epy_object *nurse, epy_object *patient);
    epy_object *(*memory)(void *memory, size_t bytes, int writable, void (*release)(void *user),
                          void *user);
    epy_object *(*buffer)(epy_object *, int writable, void **memory, size_t *bytes);
    epy_object *(*call_object_kw)(epy_object *, const char *format, ...);
    epy_object *(*call_object_kw_va)(epy_object *, const char *format, va_list);
    epy_object *(*call_method_kw)(epy_object *, const char *method, const char *format, ...);
    epy_object *(*call_method_kw_va)(epy_object *, const char *method, const char *format, va_list);
} epy_api;

/* The table of the one libepy.so in this process, which is never closed. `handle` is a plugin's, of
 * dlopen: it brings libepy.so, as its first call would, and does not start (a plugin of an epy that
 * had no such name has to be called first). NULL is enough once a plugin was called, and for a host
 * that has opened libepy.so itself (`pkg-config --variable=library epy`), to register classes or
 * choose a Python before there is a plugin. NULL: there is no libepy.so, and a plugin says why on
 * stderr; or one that has less than this header. */
static inline const epy_api *epy_connect(void *handle) {
    union { /* C has no conversion of a pointer to an object into one to a function */
        void *address;
        const void *(*api)(void);
    } of_plugin;
    void *loader = dlopen("libepy.so", RTLD_NOW | RTLD_NOLOAD);
    const epy_api *api = NULL;
    if (loader != NULL) {
        api = (const epy_api *)dlsym(loader, "epy_host_api");
    } else if (handle != NULL) {
        of_plugin.address = dlsym(handle, "epy_plugin_api");
        api = of_plugin.address == NULL ? NULL : (const epy_api *)of_plugin.api();
    }
    return api != NULL && api->version == EPY_API_VERSION && api->size >= sizeof *api ? api : NULL;
}

#ifdef __cplusplus
}
#endif
#endif
