#include "loader/core/headers/held_pointer.h"
#include "loader/core/deallocate.h"
#include "loader/core/guarded.h"

#include <structmember.h>

#include <cstddef>

namespace epy {

namespace {

struct held_pointer {
    PyObject_HEAD std::uint64_t address;
    PyObject *owner;
};

held_pointer *as_held(PyObject *object) { return reinterpret_cast<held_pointer *>(object); }

int get_buffer(PyObject *object, Py_buffer *view, int flags) {
    return PyBuffer_FillInfo(view, object, &as_held(object)->address,
                             sizeof as_held(object)->address, 0, flags);
}

int traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(as_held(object)->owner);
    return 0;
}

int clear(PyObject *object) {
    Py_CLEAR(as_held(object)->owner);
    return 0;
}

PyMemberDef members[] = {
    {"address", T_ULONGLONG, offsetof(held_pointer, address), READONLY, nullptr},
    {"owner", T_OBJECT, offsetof(held_pointer, owner), READONLY,
     "What keeps the memory there, or None."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("What a pointer of ctypes lies in.")},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate<clear>)},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, slot<clear>()},
    {Py_tp_members, members},
    {Py_bf_getbuffer, slot<get_buffer>()},
    {0, nullptr},
};

} // namespace

PyType_Spec held_pointer_spec = {"epy._core.HeldPointer", sizeof(held_pointer), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                     Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                                 slots};

ref pointer_object(const header_types &types, PyObject *ctype, pointed there) {
    auto *type = reinterpret_cast<PyTypeObject *>(base_of(types, &header_bases::held_pointer));
    const ref held(type == nullptr ? nullptr : type->tp_alloc(type, 0));
    if (!held) {
        return {};
    }
    as_held(held.get())->address = there.address;
    as_held(held.get())->owner = there.keep.release();
    return ref(PyObject_CallMethod(ctype, "from_buffer", "O", held.get()));
}

} // namespace epy
