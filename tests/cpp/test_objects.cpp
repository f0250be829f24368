// What an object takes from others is replaced where the dynamic linker wrote it, also where that
// is read-only by now: this program is linked like that.
#include "loader/bootstrap/objects.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace epy {

namespace {

pid_t replaced() { return -5; }

bool is_writable(std::uintptr_t address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        unsigned long first = 0;
        unsigned long end = 0;
        char access[5] = "";
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &first, &end, access) == 3 &&
            address >= first && address < end) {
            return access[1] == 'w';
        }
    }
    ADD_FAILURE() << "nothing is mapped there";
    return true;
}

// Where what this program takes from others lies.
std::uintptr_t place_of_got() {
    for (const ElfW(Dyn) *one = _DYNAMIC; one->d_tag != DT_NULL; ++one) {
        if (one->d_tag == DT_PLTGOT) {
            return one->d_un.d_ptr;
        }
    }
    return 0;
}

TEST(Objects, ReplaceWhatTheyTakeFromOthersAndNothingElse) {
    EXPECT_FALSE(is_writable(place_of_got()));
    const pid_t own = getsid(0);
    const pid_t group = getpgid(0);
    const import_replacement one[] = {{"getsid", reinterpret_cast<void *>(&replaced)}};
    int visited = 0;
    for_each_object([&](const loaded_object &program) {
        ++visited;
        program.replace_imports(one);
        return false;
    });
    EXPECT_EQ(visited, 1);
    EXPECT_NE(own, -5);
    EXPECT_EQ(getsid(0), -5);
    EXPECT_EQ(getpgid(0), group);
    EXPECT_FALSE(is_writable(place_of_got()));
}

// A call that is bound when it is made would go wherever the name leads by then.
TEST(Objects, AreLedToOwnFunctionsBeforeTheirCallsAreBound) {
    void *library = dlopen(OWN_CALLS, RTLD_LAZY | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto inner = reinterpret_cast<int (*)()>(dlsym(library, "inner"));
    const auto outer = reinterpret_cast<int (*)()>(dlsym(library, "outer"));
    const import_replacement one[] = {{"inner", reinterpret_cast<void *>(&replaced)},
                                      {"getsid", reinterpret_cast<void *>(&getppid)}};
    for_each_object([&](const loaded_object &object) {
        if (object.contains(reinterpret_cast<const void *>(outer))) {
            object.bind_own_calls(one);
        }
        return true;
    });
    EXPECT_EQ(outer(), -4);
    EXPECT_EQ(inner(), 1);
    dlclose(library);
}

} // namespace

} // namespace epy
