"""Apache runs Python applications (mod_wsgi), in its own processes or in daemons of their own."""

import collections
import concurrent.futures
import http.client
import os
import pwd
import signal
import socket
import subprocess
import time

import pytest

APPLICATION = """
import atexit, ctypes, os, sys

folder = os.path.dirname(__file__)
interpreter = id(sys.modules)  # one of two

def note(what):
    open(f"{folder}/{what}-{os.getpid()}-{interpreter}", "w").close()

atexit.register(note, "ended")

def application(environ, start_response):
    note("served")
    start_response("200 OK", [("Content-Type", "text/plain")])
    query = environ["QUERY_STRING"]
    if query == "looks":
        return [repr((sys.prefix, sys.path, sys.argv, sys.flags)).encode()]
    if query == "call":
        return [str(ctypes.CDLL(f"{folder}/check.so").add1(1)).encode()]
    return [f"{int(query) + 1} by python".encode()]
"""
SETTINGS = """
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile pid
Listen 127.0.0.1:{port}
ErrorLog log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
{load}
StartServers 2
ServerLimit 8
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
WSGISocketPrefix {folder}/wsgi
{settings}
"""
WSGI = "LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so"
CHECK = "LoadModule check_module {folder}/check.so"
HANDLER = """
<Location /epy>
    SetHandler check
</Location>
"""
# One application in the main interpreter, one in an interpreter of its own, imported before the
# first request: by a thread that stays, for which Python's exit waits.
APPLICATIONS = """
WSGIScriptAlias /app {folder}/app.py process-group={group} application-group=%{{GLOBAL}}
WSGIScriptAlias /sub {folder}/app.py process-group={group} application-group=sub
WSGIImportScript {folder}/app.py process-group={group} application-group=%{{GLOBAL}}
WSGIImportScript {folder}/app.py process-group={group} application-group=sub
"""
MODES = {
    "embedded": APPLICATIONS.replace("{group}", "%{{GLOBAL}}"),
    "embedded, initialized before the fork": "WSGILazyInitialization Off\n"
    + APPLICATIONS.replace("{group}", "%{{GLOBAL}}"),
    "daemon": "WSGIDaemonProcess group processes=2 threads=4 home={folder}\n"
    + APPLICATIONS.replace("{group}", "group"),
}


LIMIT = 600  # seconds: for a hang
# What Apache says without epy too. A restart takes the daemons away from those who still serve.
NOTES = ("[mpm_event:", "AH00094: Command line", "Unable to connect to WSGI daemon process")

pytestmark = [
    pytest.mark.needs("apache2", "/usr/lib/apache2/modules/mod_wsgi.so", "/usr/include/apache2"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]
ORDERS = pytest.mark.parametrize("modules", [(WSGI, CHECK), (CHECK, WSGI)], ids=["wsgi", "epy"])


@pytest.fixture
def build_options():
    return ("-I", "/usr/include/apache2", "-I", "/usr/include/apr-1.0")


def ask(port, path):
    """The text of the answer, which closes the connection: behind its status if that is bad."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    return text if answer.status == 200 else f"{answer.status}: {text}"


class Server:
    def __init__(self, folder, modules, settings):
        self.log, self.folder = folder / "log", folder
        self.log.write_text("", encoding="utf-8")
        for file in [*folder.glob("served-*"), *folder.glob("ended-*")]:
            file.unlink()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        text = SETTINGS.format(
            folder=folder,
            port=self.port,
            load="\n".join(modules).format(folder=folder),
            settings=settings.format(folder=folder) + (HANDLER if CHECK in modules else ""),
            modules="/usr/lib/apache2/modules",
        )
        (folder / "httpd.conf").write_text(text, encoding="utf-8")
        as_user = []
        if os.geteuid() == 0:  # as who it gives its rights up: root is somebody else in there
            user = pwd.getpwnam("www-data")
            ids = f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"
            as_user = ["unshare", "--user", *ids]
        with (folder / "stderr").open("w") as errors:
            self.process = subprocess.Popen(
                [*as_user, "apache2", "-D", "FOREGROUND", "-f", folder / "httpd.conf"],
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        self.wait_until_ready(1)

    def wait_until_ready(self, count):
        """For the so manieth time: since its start, and since each restart."""
        end = time.monotonic() + LIMIT
        while self.log.read_text().count("resuming normal operations") < count:
            messages = self.log.read_text() + (self.folder / "stderr").read_text()
            assert self.process.poll() is None and time.monotonic() < end, messages
            time.sleep(0.01)

    def get(self, path):
        return ask(self.port, path)

    def get_during_restarts(self, answers, restarts, may_be_gone):
        """What several clients ask for over and over, `{path: answer}`, 10,000 times in all.

        The server is restarted gracefully meanwhile. How often it answered otherwise, and what. It
        may say of the paths `may_be_gone` that who serves them is away: that is asked again.
        """
        numbers = iter(range(10_000))
        done = []
        strange = collections.Counter()

        def client():
            for number in numbers:
                path = list(answers)[number % len(answers)]
                try:
                    answer = self.get(path)
                    while answer.startswith("503: ") and path in may_be_gone:
                        answer = self.get(path)
                except (OSError, http.client.HTTPException) as problem:
                    answer = repr(problem)
                if answer != answers[path]:
                    strange[path, answer] += 1
                done.append(number)

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(client) for _ in range(4)]
            for restart in range(1, restarts + 1):
                while len(done) < restart * 10_000 // (restarts + 1):
                    time.sleep(0.01)
                self.process.send_signal(signal.SIGUSR1)
                self.wait_until_ready(restart + 1)
            for one in asked:
                one.result()
        return strange

    def notes(self, what):
        return {file.name.partition("-")[2] for file in self.folder.glob(f"{what}-*")}

    def stop(self):
        """Its exit status, what it said, and who has served and not run its exit functions.

        Who was still starting need not.
        """
        self.process.terminate()
        status = self.process.wait(LIMIT)
        lines = self.log.read_text().splitlines()
        lines = [line for line in lines if not any(note in line for note in NOTES)]
        left = self.notes("served") - self.notes("ended")
        return status, (self.folder / "stderr").read_text(), lines, left


@pytest.fixture
def apache(tmp_path, mode, plugin):
    """`apache(module, ...)`: a server that has loaded these modules in their order."""
    (tmp_path / "app.py").write_text(APPLICATION, encoding="utf-8")
    servers = []

    def apache(*modules):
        servers.append(Server(tmp_path, modules, MODES[mode]))
        return servers[-1]

    yield apache
    for server in servers:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)


@pytest.fixture
def alone(apache):
    """What the application sees without epy, and how such a server ends."""
    server = apache(WSGI)
    assert server.get("/app?1") == "2 by python"
    return server.get("/app?looks"), server.stop()


@pytest.mark.parametrize("mode", MODES)
@ORDERS
def test_a_module(apache, modules, alone, packages):
    server = apache(*modules)
    for place in ["app", "sub"] * 10:
        assert server.get("/epy?1") == f"2 by {packages}"
        assert server.get(f"/{place}?1") == "2 by python"
        assert server.get(f"/{place}?looks") == alone[0]
    assert server.stop() == alone[1] == (0, "", [], set())


@pytest.mark.parametrize("mode", MODES)
def test_a_library_of_the_application(apache, alone):
    server = apache(WSGI)
    for place in ["app", "sub"] * 10:
        assert server.get(f"/{place}?call") == "2"
        assert server.get(f"/{place}?looks") == alone[0]
    assert server.stop() == alone[1] == (0, "", [], set())


@pytest.mark.parametrize("mode", MODES)
@ORDERS
def test_graceful_restarts_under_load(apache, mode, modules, packages):
    """The old modules go and new ones are loaded, while processes with the old ones still serve."""
    server = apache(*modules)
    answers = {"/app?1": "2 by python", "/sub?1": "2 by python", "/epy?1": f"2 by {packages}"}
    daemons = {"/app?1", "/sub?1"} if mode == "daemon" else set()
    assert server.get_during_restarts(answers, 4, daemons) == {}
    assert len(server.notes("served")) >= 2 * 5  # the interpreters of each generation
    assert server.stop() == (0, "", [], set())
