/* epy_core.h: what another extension module may ask of epy, through the capsule "epy._C_API".
 *
 *     #include <Python.h>
 *     #include <epy_core.h>
 *
 *     ... in the module's init function, before anything else of this file:
 *     if (import_epy_core() < 0)
 *         return NULL;
 *     ...
 *     PyObject *callback = epy_core->callback_new(callable, "int (*)(int)", NULL);
 *     register_with_c_library(epy_core->callback_address(callback));
 *
 * C and C++. The folder of this header: `epy --cflags`. Nothing is linked. Each C file that
 * includes it and calls something calls import_epy_core() once, too.
 *
 * All functions want Python's lock, unless they say otherwise. References: "new" is the caller's to
 * release, arguments are borrowed. NULL or -1: a Python exception is set.
 */
#ifndef EPY_CORE_H
#define EPY_CORE_H

#include <Python.h>
#include <stdint.h>

#define EPY_CORE_VERSION 1
#define EPY_CORE_CAPSULE "epy._C_API"

#ifdef __cplusplus
extern "C" {
#endif

/* A version only ever gets more functions at its end. */
typedef struct epy_core_api {
    uint32_t version; /* EPY_CORE_VERSION */
    uint32_t size;    /* of the whole table, in bytes */

    /* A callback: an object that runs `callable` when C calls its address. `prototype` is of C's
     * and POSIX's own types and pointers of any kind, with or without a name: "int (*)(void *,
     * const char *)"; text is str. `error` is what C gets when the callable raises, or when the
     * callback is gone; NULL: zero. New. epy.SignatureError for a prototype that cannot be read or
     * does not fit the callable. */
    PyObject *(*callback_new)(PyObject *callable, const char *prototype, PyObject *error);
    /* What C calls, from any thread, without Python's lock or with it. It is good as long as the
     * object lives: keep a reference as long as C may call. Of what callback_new gives, of exports,
     * and of whatever else has an integer `address`. */
    void *(*callback_address)(PyObject *callback);

    /* A handle: an opaque pointer for C that keeps the object alive, as an export gives for a class
     * of epy.Object. The same pointer for the same object; each call is one reference more. None is
     * NULL, without an exception. */
    void *(*handle_new)(PyObject *object);
    /* The object of a handle; None for NULL. New. epy.InvalidHandleError for any other pointer that
     * is no live handle, and if the object is no instance of `type` (NULL: any class). */
    PyObject *(*handle_object)(void *handle, PyTypeObject *type);
    /* One reference of C's back. 0; -1 without an exception for what is no live handle. Any thread,
     * with Python's lock or without: then the object may die later, when somebody who has the lock
     * uses handles. */
    int (*handle_release)(void *handle);
} epy_core_api;

#ifndef EPY_CORE_MODULE              /* epy itself */
static const epy_core_api *epy_core; /* of this C file */

/* 0, or -1 with ImportError: epy is not there, or its version is another one. */
static inline int import_epy_core(void) {
    epy_core = (const epy_core_api *)PyCapsule_Import(EPY_CORE_CAPSULE, 0);
    if (epy_core == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_ImportError)) {
            PyErr_SetString(PyExc_ImportError, "epy has no capsule " EPY_CORE_CAPSULE
                                               ": install a version of epy that has one");
        }
        return -1;
    }
    if (epy_core->version != EPY_CORE_VERSION || epy_core->size < sizeof(epy_core_api)) {
        PyErr_Format(PyExc_ImportError,
                     EPY_CORE_CAPSULE " has version %u with %u bytes, this module was compiled for "
                                      "version %u with %u: compile it with the epy_core.h of this "
                                      "epy",
                     (unsigned)epy_core->version, (unsigned)epy_core->size,
                     (unsigned)EPY_CORE_VERSION, (unsigned)sizeof(epy_core_api));
        epy_core = NULL;
        return -1;
    }
    return 0;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
