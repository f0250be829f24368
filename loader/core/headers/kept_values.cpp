#include "loader/core/headers/kept_values.h"

#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "loader/core/attribute.h"
#include "loader/core/cpython.h"
#include "loader/core/deallocate.h"
#include "loader/core/guarded.h"
#include "loader/core/headers/classes.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/held_pointer.h"

namespace epy {

namespace {

struct value {
    ref object;
    std::size_t size = 0;
    bool is_lent = false;
};

class places {
public:
    // Appends to `dropped` what is let go: that runs Python code, which may store.
    void store(std::uintptr_t place, std::size_t size, value now, std::vector<ref> &dropped) {
        const auto first = places_.lower_bound(place);
        const auto end = places_.lower_bound(place + size);
        if (!now.object && first == end) {
            return;
        }
        const auto here = first != places_.end() && first->first == place
                              ? first
                              : places_.emplace_hint(first, place, entry{});
        for (auto inside = std::next(here); inside != end; inside = places_.erase(inside)) {
            const std::unique_ptr<std::deque<value>> former = take_former(inside);
            if (former) {
                for (value &one : *former) {
                    replace(here, std::move(one), dropped);
                }
            }
            replace(here, std::move(inside->second.now), dropped);
        }
        replace(here, std::exchange(here->second.now, std::move(now)), dropped);
        if (!here->second.now.object && !here->second.former) {
            places_.erase(here);
        }
        while (weight_ > most) {
            drop_oldest_of_heaviest(dropped);
        }
    }

    // Borrowed; null if nothing is kept there now.
    [[nodiscard]] PyObject *at(std::uintptr_t place) const {
        const auto found = places_.find(place);
        return found == places_.end() ? nullptr : found->second.now.object.get();
    }

    int traverse(visitproc visit, void *arg) const {
        for (const auto &[place, one] : places_) {
            Py_VISIT(one.now.object.get());
            if (one.former) {
                for (const value &former : *one.former) {
                    Py_VISIT(former.object.get());
                }
            }
        }
        return 0;
    }

private:
    static constexpr std::size_t most = 4 << 20;

    struct entry {
        value now;
        std::unique_ptr<std::deque<value>> former; // oldest first, never empty
        std::size_t weight = 0;                    // of the former ones
    };
    using position = std::map<std::uintptr_t, entry>::iterator;

    void weigh(position here, std::size_t weight) {
        if (weight == here->second.weight) {
            return;
        }
        if (weight != 0) {
            by_weight_.emplace(weight, here->first); // first: there may be no memory
        }
        if (here->second.weight != 0) {
            by_weight_.erase({here->second.weight, here->first});
        }
        weight_ += weight - here->second.weight;
        here->second.weight = weight;
    }

    std::unique_ptr<std::deque<value>> take_former(position here) {
        weigh(here, 0);
        return std::move(here->second.former);
    }

    void replace(position here, value old, std::vector<ref> &dropped) {
        if (old.is_lent || !old.object || old.object.get() == here->second.now.object.get()) {
            dropped.push_back(std::move(old.object));
            return;
        }
        if (!here->second.former) {
            here->second.former = std::make_unique<std::deque<value>>();
        }
        // Weighs nothing until that is noted: there may be no memory.
        const std::size_t size = std::exchange(old.size, 0);
        here->second.former->push_back(std::move(old));
        weigh(here, here->second.weight + size);
        here->second.former->back().size = size;
    }

    void drop_oldest_of_heaviest(std::vector<ref> &dropped) {
        const auto here = places_.find(std::prev(by_weight_.end())->second);
        std::deque<value> &former = *here->second.former;
        weigh(here, here->second.weight - former.front().size);
        dropped.push_back(std::move(former.front().object));
        former.pop_front();
        if (former.empty()) {
            here->second.former.reset();
            if (!here->second.now.object) {
                places_.erase(here);
            }
        }
    }

    std::map<std::uintptr_t, entry> places_;
    std::set<std::pair<std::size_t, std::uintptr_t>> by_weight_; // of those with former values
    std::size_t weight_ = 0;
};

bool has_same_parts(PyObject *kept, PyObject *parts) {
    if (kept == nullptr || !PyTuple_CheckExact(kept) ||
        PyTuple_GET_SIZE(kept) != PyTuple_GET_SIZE(parts)) {
        return false;
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(parts); ++index) {
        if (PyTuple_GET_ITEM(kept, index) != PyTuple_GET_ITEM(parts, index)) {
            return false;
        }
    }
    return true;
}

} // namespace

struct kept_values {
    PyObject_HEAD places *by_place;
    PyObject *callbacks;    // dict: key of a callable and a type -> weak reference to a Callback
    PyObject *until_unload; // dict: id -> Callback
    Py_ssize_t next_sweep;  // number of callbacks at which to look for dead ones
};

kept_values *as_kept(PyObject *object) { return reinterpret_cast<kept_values *>(object); }

void keep_at(std::uintptr_t place, std::size_t size, storing &what) {
    if (what.kept == nullptr || what.kept->by_place == nullptr) {
        return;
    }
    // About what the objects take that keep it: a text only itself.
    const std::size_t overhead = what.needs && PyTuple_Check(what.needs.get()) ? 1536 : 256;
    std::vector<ref> dropped;
    what.kept->by_place->store(
        place, size, {std::move(what.needs), what.made + overhead, what.is_lent}, dropped);
}

void keep_parts_at(kept_values *kept, std::uintptr_t place, const ref &parts, std::size_t bytes) {
    if (kept->by_place == nullptr || has_same_parts(kept->by_place->at(place), parts.get())) {
        return;
    }
    storing what{kept};
    what.needs = ref::borrowed(parts.get());
    what.made = bytes;
    keep_at(place, 1, what);
}

// ---- callbacks

namespace {

// A bound method is a new object each time.
ref key_of(const header_types &types, PyObject *kind, PyObject *function) {
    ref owner;
    ref plain;
    if (!find_attribute(function, types.name.self, owner) ||
        !find_attribute(function, types.name.function, plain)) {
        return {};
    }
    return ref(plain && owner ? Py_BuildValue("(ONN)", kind, PyLong_FromVoidPtr(owner.get()),
                                              PyLong_FromVoidPtr(plain.get()))
                              : Py_BuildValue("(ON)", kind, PyLong_FromVoidPtr(function)));
}

// The callback that lives, which keeps the callable: its id is its own. Empty if there is none.
ref live_callback(const kept_values &kept, PyObject *key) {
    PyObject *weak = PyDict_GetItemWithError(kept.callbacks, key);
    return weak == nullptr ? ref() : cpython::referent(weak);
}

void sweep(kept_values &kept) {
    if (PyDict_GET_SIZE(kept.callbacks) < kept.next_sweep) {
        return;
    }
    const ref keys(PyDict_Keys(kept.callbacks));
    for (Py_ssize_t at = 0; keys && at < PyList_GET_SIZE(keys.get()); ++at) {
        PyObject *key = PyList_GET_ITEM(keys.get(), at);
        if (!live_callback(kept, key) && PyErr_Occurred() == nullptr) {
            PyDict_DelItem(kept.callbacks, key);
        }
        PyErr_Clear();
    }
    kept.next_sweep = 2 * PyDict_GET_SIZE(kept.callbacks) + 64;
}

ref new_callback(header_classes *classes, PyObject *kind, PyObject *function) {
    const ref made = make_callback(classes, kind, function);
    return made ? ref(PyObject_GetAttrString(made.get(), "callback")) : ref();
}

} // namespace

ref kept_callback(const header_types &types, header_classes *classes, PyObject *kind,
                  PyObject *function, storing &where) {
    kept_values &kept = *where.kept;
    const ref key = key_of(types, kind, function);
    if (!key) {
        return {};
    }
    ref callback = live_callback(kept, key.get());
    if (!callback && PyErr_Occurred() == nullptr) {
        ref made = new_callback(classes, kind, function);
        callback = live_callback(kept, key.get()); // another thread was faster
        if (made && !callback) {
            sweep(kept);
            const ref weak(PyWeakref_NewRef(made.get(), nullptr));
            if (weak && PyDict_SetItem(kept.callbacks, key.get(), weak.get()) == 0) {
                callback = std::move(made);
            }
        }
    }
    const ref address(callback ? PyObject_GetAttr(callback.get(), types.name.address) : nullptr);
    if (!address || (where.is_argument && !keep(kept.until_unload, callback.get()))) {
        return {};
    }
    pointed there;
    there.address = PyLong_AsUnsignedLongLong(address.get());
    there.keep = std::move(callback);
    where.made = 1024; // about
    return pointer_object(types, types.function, std::move(there));
}

// ---- the Python object

namespace {

PyObject *make(PyTypeObject *type, PyObject *, PyObject *) {
    ref object(type->tp_alloc(type, 0));
    if (!object) {
        return nullptr;
    }
    kept_values *self = as_kept(object.get());
    self->by_place = new places;
    self->callbacks = PyDict_New();
    self->until_unload = PyDict_New();
    self->next_sweep = 64;
    return self->callbacks == nullptr || self->until_unload == nullptr ? nullptr : object.release();
}

int traverse(PyObject *object, visitproc visit, void *arg) {
    const kept_values *self = as_kept(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->callbacks);
    Py_VISIT(self->until_unload);
    return self->by_place == nullptr ? 0 : self->by_place->traverse(visit, arg);
}

int clear(PyObject *object) {
    kept_values *self = as_kept(object);
    const std::unique_ptr<places> all(std::exchange(self->by_place, nullptr));
    Py_CLEAR(self->callbacks);
    Py_CLEAR(self->until_unload);
    return 0;
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("What is kept for memory that Python does not own.")},
    {Py_tp_new, slot<make>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate<clear>)},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, slot<clear>()},
    {0, nullptr},
};

} // namespace

void clear_kept(PyObject *object) {
    kept_values *self = as_kept(object);
    const places all(self->by_place == nullptr ? places() : std::exchange(*self->by_place, {}));
    PyDict_Clear(self->callbacks);
    PyDict_Clear(self->until_unload);
}

PyType_Spec kept_values_spec = {"epy._core.Kept", sizeof(kept_values), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                                slots};

} // namespace epy
