"""PostgreSQL runs Python functions (PL/Python) beside C functions that are epy's.

Each session is a process of its own, in which the one or the other comes first.
"""

import os
import pwd
import re

import pytest

pytestmark = [
    pytest.mark.needs("/usr/lib/postgresql/*/lib/plpython3.so", "/usr/include/postgresql/*/server"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

LIMIT = "600"  # seconds: for a hang
FUNCTIONS = """
create extension plpython3u;
create function py1(n int) returns int language plpython3u as $$ return n + 1 $$;
create function looks() returns text language plpython3u as $$
    import sys
    return repr((sys.prefix, sys.path, sys.argv, sys.flags))
$$;
"""
GUESTS = """
create function add1(int) returns int as '{0}', 'add1' language c strict;
create function through_sql(int) returns int as '{0}', 'through_sql' language c strict;
create function packages() returns cstring as '{0}', 'packages' language c strict;
"""


@pytest.fixture
def build_options(run):
    return ("-I", run("pg_config", "--includedir-server").stdout.strip())


class Server:
    def __init__(self, folder, run):
        self.run, self.folder = run, folder
        self.programs = run("pg_config", "--bindir").stdout.strip()
        self.as_user = []
        if os.geteuid() == 0:  # for whom it does not run: root is somebody else in there
            user = pwd.getpwnam("postgres").pw_uid
            self.as_user = ["unshare", "--user", f"--map-user={user}", f"--map-group={user}"]
        self.command("initdb", "--auth=trust", "--no-sync", "--username=postgres", "-D", "data")
        options = f"-F -c listen_addresses='' -k {folder}"
        self.command("pg_ctl", "-D", "data", "-w", "-t", LIMIT, "-o", options, "-l", "log", "start")

    def command(self, program, *arguments):
        return self.run(*self.as_user, f"{self.programs}/{program}", *arguments)

    def sql(self, *commands):
        """Run in one session, which is one process of the server: their answers."""
        options = [part for command in commands for part in ("-c", command)]
        result = self.command("psql", "-h", self.folder, "-U", "postgres", "-XqAt", *options)
        assert result.stderr == ""
        return result.stdout.split("\n")[:-1]

    def stop(self):
        """Stop it: what its processes said that is no plain note of the server's."""
        self.command("pg_ctl", "-D", "data", "-w", "-t", LIMIT, "-m", "smart", "stop")
        lines = (self.folder / "log").read_text().splitlines()
        return [line for line in lines if not re.match(r"[-\d]+ [:.\d]+ \w+ \[\d+\] LOG: ", line)]


@pytest.fixture
def server(run, tmp_path, plugin):
    """A server that runs; after the test it has stopped, and no process of it said anything."""
    server = Server(tmp_path, run)
    server.sql(FUNCTIONS, GUESTS.format(plugin))
    yield server
    assert server.stop() == []


def test_python_first(server):
    assert server.sql("select py1(1)", "select add1(2)", "select py1(3)") == ["2", "3", "4"]
    assert server.sql("select py1(1)", "select through_sql(1)") == ["2", "3"]


def test_epy_first(server):
    assert server.sql("select add1(1)", "select py1(2)", "select add1(3)") == ["2", "3", "4"]
    assert server.sql("select add1(1), py1(2)") == ["2|3"]
    assert server.sql("select py1(1), add1(2)") == ["2|3"]  # add1 is looked at before py1 runs
    assert server.sql("select through_sql(1)", "select py1(1)") == ["3", "2"]


def test_calls_within_calls(server):
    assert server.sql("select py1(add1(py1(add1(1))))") == ["5"]
    assert server.sql("select sum(through_sql(n)) from generate_series(1, 1000) n") == ["502500"]


def test_each_python_looks_as_it_does_alone(server, packages):
    alone = server.sql("select looks()")
    assert server.sql("select packages()", "select looks()") == [packages, *alone]
    assert server.sql("select looks()", "select packages()") == [*alone, packages]
