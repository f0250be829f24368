// A loader that a plugin brought along has its cores and modules in that plugin: another one that
// starts first, built by an earlier epy, takes them from there, not what it has itself.
#pragma once

#include "loader/bootstrap/python.h"

namespace epy {

// Puts the pack of this loader into the wish, and keeps the plugin that has it mapped meanwhile.
// Without effect where the loader lies in a package, or that plugin has gone.
class brought_pack {
public:
    explicit brought_pack(python_wish &); // may throw std::bad_alloc
    ~brought_pack();
    brought_pack(const brought_pack &) = delete;
    brought_pack &operator=(const brought_pack &) = delete;

private:
    void *plugin_ = nullptr;
};

} // namespace epy
