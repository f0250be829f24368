// Where an executable's libpython is, and whether a virtual environment fits it, from files alone.
#include "loader/bootstrap/libpython.h"

#include <gtest/gtest.h>

#include "stub_file.h"

namespace epy {

namespace {

namespace fs = std::filesystem;

class Libpython : public testing::Test {
protected:
    fs::path make(const std::string &name, const std::string &text = "") {
        const fs::path path = folder_ / name;
        fs::create_directories(path.parent_path());
        test::write_file(path, {text.begin(), text.end()});
        return path;
    }
    // A link in a folder of its own to what is there.
    fs::path link(const std::string &name, const fs::path &to) {
        const fs::path path = folder_ / name;
        fs::create_directories(path.parent_path());
        fs::create_symlink(to, path);
        return path;
    }

    test::temporary_folder folder_;
};

TEST_F(Libpython, LiesInTheLibFolderBesideBin) {
    const fs::path library = make("usr/lib/libpython3.12.so.1.0");
    EXPECT_EQ(libpython_of(make("usr/bin/python3.12")), library);
}

TEST_F(Libpython, LiesInADistributionsFolder) {
    for (const std::string name : {"lib64", "lib/x86_64-linux-gnu"}) {
        const std::string prefix = name == "lib64" ? "fedora/" : "debian/";
        const fs::path library = make(prefix + name + "/libpython3.11.so.1.0");
        EXPECT_EQ(libpython_of(make(prefix + "bin/python3.11")), library);
    }
}

TEST_F(Libpython, MayBeFreeThreaded) {
    const fs::path library = make("usr/lib/libpython3.13t.so.1.0");
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13t")), library);
}

TEST_F(Libpython, IsOfTheBuildThatTheExecutableIsNamedFor) {
    const fs::path plain = make("usr/lib/libpython3.13.so.1.0");
    const fs::path threaded = make("usr/lib/libpython3.13t.so.1.0");
    const fs::path debugging = make("usr/lib/libpython3.13d.so.1.0");
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13")), plain);
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13t")), threaded);
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13d")), debugging);
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13-dbg")), debugging);
    EXPECT_EQ(libpython_of(make("usr/bin/python3.13-nogil")), plain);
}

TEST_F(Libpython, IsThatOfTheVersionAmongSeveral) {
    make("usr/lib/libpython3.11.so.1.0");
    const fs::path library = make("usr/lib/libpython3.12.so.1.0");
    EXPECT_EQ(libpython_of(make("usr/bin/python3.12")), library);
}

TEST_F(Libpython, IsFoundThroughTheLinksOfAnEnvironment) {
    const fs::path library = make("usr/lib/libpython3.11.so.1.0");
    const fs::path version = make("usr/bin/python3.11");
    const fs::path system = link("usr/bin/python3", version);
    EXPECT_EQ(libpython_of(link("venv/bin/python", system)), library);
}

TEST_F(Libpython, MayBeNamedItself) {
    const fs::path library = make("usr/lib/libpython3.11.so.1.0");
    EXPECT_EQ(libpython_of(library), library);
}

TEST_F(Libpython, IsAbsentForAStaticPython) {
    EXPECT_EQ(libpython_of(make("usr/bin/python3.11")), "");
    make("usr/lib/libpython3.12.so.1.0");
    EXPECT_EQ(libpython_of(folder_ / "usr/bin/python3.11"), "");
}

TEST_F(Libpython, IsAbsentForNoFile) { EXPECT_EQ(libpython_of(folder_ / "bin/python3.11"), ""); }

class Environment : public Libpython {
protected:
    // An environment with these settings, which says so beside bin or in it.
    fs::path environment(const std::string &settings, const std::string &where = "") {
        make("venv/" + where + "pyvenv.cfg", settings);
        return make("venv/bin/python");
    }
    const std::string library_ = "/usr/lib/libpython3.11.so.1.0";
};

TEST_F(Environment, FitsItsVersion) {
    EXPECT_EQ(venv_problem(environment("home = /usr/bin\nversion = 3.11.2\n"), library_), "");
}

TEST_F(Environment, OfAnotherVersionIsNamedWithTheRemedy) {
    const fs::path python = environment("home = /usr/bin\nversion = 3.12.1\n");
    const std::string problem = venv_problem(python, library_);
    for (const std::string &part : {python.string(), std::string("3.12"), std::string("3.11"),
                                    library_, std::string("make the virtual environment again")}) {
        EXPECT_NE(problem.find(part), std::string::npos) << part << " is not in: " << problem;
    }
    EXPECT_EQ(problem.find('\n'), std::string::npos);
}

TEST_F(Environment, IsNotComparedByDigits) {
    EXPECT_NE(venv_problem(environment("version = 3.1.4\n"), library_), "");
}

TEST_F(Environment, MaySayItInManyWays) {
    for (const std::string settings : {"version=3.12.0", "  version =3.12.0\nhome = /usr\n",
                                       "home = /a=b\nversion\t=\t3.12\n"}) {
        const bool indented =
            settings[0] == ' '; // no tool writes that, and Python does not read it
        EXPECT_EQ(venv_problem(environment(settings), library_).empty(), indented) << settings;
    }
    EXPECT_NE(venv_problem(environment("version = 3.12.0\n", "bin/"), library_), "");
}

TEST_F(Environment, WithoutAVersionIsTaken) {
    for (const std::string settings :
         {"", "home = /usr/bin\n", "version =\n", "version\n", "=\n", "version = none\n"}) {
        EXPECT_EQ(venv_problem(environment(settings), library_), "") << settings;
    }
}

TEST_F(Environment, ThatIsGoneIsNamedWithTheRemedy) {
    const std::string problem = venv_problem(folder_ / "venv/bin/python", library_);
    EXPECT_NE(problem.find((folder_ / "venv/bin/python").string()), std::string::npos) << problem;
    EXPECT_NE(problem.find("EPY_PYTHON"), std::string::npos) << problem;
}

TEST_F(Environment, IsNoneForAnOrdinaryPython) {
    EXPECT_EQ(venv_problem(make("usr/bin/python3.11"), library_), "");
    EXPECT_EQ(venv_problem("", library_), "");
}

} // namespace

} // namespace epy
