// Where a path leads, and which part of it others can change. What has raised privileges is tried
// in tests/python/test_privileges.py.
#include "stub/trust.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>

#include "stub_file.h"

namespace epy {

namespace {

trust look(const std::string &path) {
    trust found;
    look_at(path.c_str(), found);
    return found;
}

std::string real(const std::string &path) {
    char resolved[PATH_MAX];
    return realpath(path.c_str(), resolved) == nullptr ? "" : resolved;
}

// The system's own files, which belong to root wherever tests run.
TEST(Trust, LeadsWhereThePathLeads) {
    for (const std::string path : {"/", "//", "/usr", "/usr/", "/usr/./bin/..//lib/.", "/bin/sh",
                                   "/usr/bin/../../bin/sh", "/..", "/lib64/../bin/sh"}) {
        const trust found = look(path);
        EXPECT_TRUE(found.is_given()) << path;
        EXPECT_EQ(found.path, real(path)) << path;
    }
}

TEST(Trust, FollowsAPathFromTheCurrentFolder) {
    char before[PATH_MAX];
    ASSERT_NE(getcwd(before, sizeof before), nullptr);
    ASSERT_EQ(chdir("/usr/bin"), 0);
    const trust found = look("../lib");
    ASSERT_EQ(chdir(before), 0);
    EXPECT_TRUE(found.is_given());
    EXPECT_EQ(found.path, real("/usr/lib"));
}

TEST(Trust, DoubtsWhatIsNotThere) {
    const trust found = look("/usr/nothing/of/that/name");
    EXPECT_EQ(found.why, doubt::missing);
    EXPECT_EQ(found.error, ENOENT);
    EXPECT_STREQ(found.path, "/usr/nothing");
    EXPECT_EQ(look("/" + std::string(PATH_MAX, 'x')).error, ENAMETOOLONG);
    EXPECT_EQ(look("/" + std::string(NAME_MAX + 1, 'x')).error, ENAMETOOLONG);
    EXPECT_EQ(look("/usr/bin/env/").why, doubt::none);
    EXPECT_EQ(look("/usr/bin/env/more").why, doubt::kind);
    EXPECT_EQ(look("/dev/null").why, doubt::kind);
}

// /tmp has the sticky bit: what root has there stays, but it is no place to look for files.
TEST(Trust, DoubtsAFolderThatOthersCanWrite) {
    struct stat status {};
    ASSERT_EQ(stat("/tmp", &status), 0);
    ASSERT_TRUE((status.st_mode & S_ISVTX) != 0 && status.st_uid == 0);
    EXPECT_EQ(look("/tmp").why, doubt::writable);
    EXPECT_EQ(look("/tmp/").why, doubt::writable);
    EXPECT_EQ(look("/tmp/nothing of that name").why, doubt::missing);
    EXPECT_EQ(look("/tmp/../bin/sh").why, doubt::none);
}

TEST(Trust, EndsInACircleOfLinks) {
    const test::temporary_folder folder;
    const std::string link = folder / "link";
    ASSERT_EQ(symlink("link", link.c_str()), 0);
    const trust found = look(link);
    EXPECT_TRUE(found.why == doubt::owner || found.error == ELOOP); // others than root own it
}

TEST(Trust, NamesTheRemedy) {
    objection against;
    describe(look("/tmp"), "/tmp", against);
    EXPECT_STREQ(against.problem, "this process has raised privileges and does not use /tmp: /tmp "
                                  "can be changed by others");
    EXPECT_STREQ(against.remedy, "run 'chmod go-w /tmp'");
}

} // namespace

} // namespace epy
