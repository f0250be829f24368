"""The documentation's site: built without a warning, whole, and it works in a browser."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 600  # seconds: it hangs


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder with the built site."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "EPY_PACKAGE": str(Path(os.environ["EPY_BUILD_DIR"]) / "python")}
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", folder / "trees"]
    result = subprocess.run(
        [*command, ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=LIMIT,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return folder / "html"


class Page(HTMLParser):
    """What a page refers to, and the places in it that others may refer to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.places = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets |= {found[key] for key in ("href", "src", "data") if found.get(key)}
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}


def test_no_link_or_picture_is_broken(site):
    pages = {path: Page(path.read_text()) for path in site.rglob("*.html")}
    assert len(pages) > 15
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            place, fragment = urldefrag(target)
            if urlsplit(target).scheme:
                continue
            file = (path.parent / unquote(urlsplit(place).path)).resolve() if place else path
            found = file.exists() and (
                not fragment or file not in pages or unquote(fragment) in pages[file].places
            )
            if not found:
                broken.append((path.name, target))
    assert broken == []


def test_everything_public_is_in_the_reference(site):
    import epy

    text = (site / "api.html").read_text() + (site / "errors.html").read_text()
    documented = set(re.findall(r'id="epy\.(?:\w+\.)*?(\w+)"', text))
    of_ctypes = {name for name in epy.__all__ if getattr(epy, name, None) is vars(ctypes).get(name)}
    assert set(epy.__all__) - documented - of_ctypes == set()


def test_it_needs_nothing_from_elsewhere(site):
    """Scripts, styles and pictures come from the site itself."""
    for path in site.rglob("*.html"):
        found = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', path.read_text()
        )
        assert found == [], path


BROWSER = "chromium-headless-shell"


@pytest.fixture
def open_page(site):
    """`open_page("index.html")`: the page as the browser has made it, and what its console says."""
    if shutil.which(BROWSER) is None:
        pytest.skip(f"not run: {BROWSER} is missing: tests/setup.sh --browser installs it")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever).start()

    def open_page(place):
        address = f"http://127.0.0.1:{server.server_port}/{place}"
        options = ["--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
        result = subprocess.run(
            [BROWSER, *options, "--virtual-time-budget=60000", address],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout, [line for line in result.stderr.splitlines() if ":CONSOLE" in line]

    yield open_page
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("place", ["index.html", "start.html", "how.html", "api.html"])
def test_a_browser_has_nothing_to_complain_of(open_page, place):
    text, complaints = open_page(place)
    assert "</html>" in text
    assert complaints == []


def test_the_search_finds_a_function(open_page):
    text, complaints = open_page("search.html?q=epy.header")
    assert 'href="api.html#epy.header"' in text
    assert complaints == []
