#!/usr/bin/env bash
# Prepare a bare Debian 12 or 13 or Ubuntu 24.04 for building and testing: Debian packages by apt, and
# the virtual environment .venv. `tests/setup.sh demo` installs only what the demo takes,
# `tests/setup.sh headers` the libraries whose headers are read when all are asked for,
# `tests/setup.sh pythons` what tests/pythons.sh compiles with, and each Python that the release has,
# `tests/setup.sh --python-hosts` also programs that run a Python of their own, beside which plugins are
# tried, and `tests/setup.sh --further-hosts` large ones that pages of the documentation are tested with (R,
# a JDK, web servers, Double Commander); some of both come with a service, which Debian starts;
# `tests/setup.sh --browser` one in which the documentation is opened. What is there already is left alone, so
# a second run needs no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'tests/setup.sh: %s\n' "$*" >&2
    exit 1
}

packages=(
    # Build. The libraries' headers include a libpython to start.
    g++ cmake ninja-build python3-dev python3-venv libffi-dev libgtest-dev
    # The demo's host, with its header, and a look at the plugin.
    sqlite3 libsqlite3-dev binutils
)
further_packages=() # of those, what this release has
requirements=(tests/demo/requirements.txt)

python_hosts() {
    local postgresql
    postgresql=$(. /etc/os-release && case ${VERSION_ID:-} in 12) echo 15 ;; 24.04) echo 16 ;; *) echo 17 ;; esac)
    further_packages+=(
        "postgresql-plpython3-$postgresql" "postgresql-server-dev-$postgresql"
        collectd-core collectd-dev
        weechat-headless weechat-python weechat-dev
        vim-nox
        apache2-bin apache2-dev libapache2-mod-wsgi-py3
        uwsgi-core uwsgi-plugin-python3
        freeradius freeradius-python3
        gstreamer1.0-python3-plugin-loader gstreamer1.0-tools libgstreamer1.0-dev
        nbdkit-plugin-python
        lldb
    )
}

further_hosts() {
    further_packages+=(
        nginx apache2-bin apache2-dev curl
        linux-perf
        fuse3
        doublecmd-gtk xvfb xauth
        tcl-dev openssl libssl-dev iverilog
        r-base-core
        default-jdk-headless
    )
}

case $* in
demo) ;;
'' | --python-hosts | --further-hosts | --browser)
    packages+=(
        # Test and look inside. Debugging symbols of libc are for valgrind.
        git patchelf gdb valgrind libc6-dbg
        # A Python that checks more.
        python3-dbg
        # Draws the documentation's pictures.
        graphviz
        # Hosts in another language.
        locales
        # Gives a host's file capabilities, which are raised privileges too.
        libcap2-bin
        # A second compiler, for hosts and to fuzz with.
        clang libclang-rt-dev
        # A host with another C library.
        musl-tools
        # Hosts that load plugins.
        make bash lua5.4 ladspa-sdk sox gnuplot-nox
        nbdkit nbdkit-plugin-dev libnbd-bin libc-bin
        zsh tcsh zsh-dev libcap-dev lv2-dev lilv-utils ruby ruby-dev opensc
        # Headers of hosts: gawk brings gawkapi.h, make gnumake.h.
        liblua5.4-dev libpam0g-dev libp11-kit-dev libfuse3-dev frei0r-plugins-dev gawk
        # Finds headers of packages.
        pkg-config
        # Builds a project with a plugin.
        meson
    )
    requirements+=(docs/requirements.txt tests/requirements.txt)
    [[ $* != --python-hosts ]] || python_hosts
    [[ $* != --further-hosts ]] || further_hosts
    [[ $* != --browser ]] || further_packages+=(chromium-headless-shell)
    ;;
headers)
    mapfile -t packages < <(sed -n 's/^    Real("\([^"]*\)".*/\1/p' tests/headers/test_headers.py | sort -u)
    packages+=(pkg-config)
    ;;
pythons)
    # What tests/pythons.sh compiles a Python with.
    packages+=(make zlib1g-dev libbz2-dev liblzma-dev libsqlite3-dev libssl-dev libreadline-dev uuid-dev)
    # Those that the release has itself.
    mapfile -t further_packages < <(apt-cache pkgnames python3. | grep -x 'python3\.[0-9]*-\(dev\|venv\)')
    ;;
*) fail "usage: tests/setup.sh [demo | headers | pythons | --python-hosts | --further-hosts | --browser]" ;;
esac

# Of the packages named.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null |
            grep --quiet --line-regexp installed || printf '%s\n' "$package"
    done
}

install_packages() {
    command -v dpkg-query >/dev/null || fail "this is no Debian or Ubuntu: install by hand: ${packages[*]}"
    local missing further as_root=()
    mapfile -t missing < <(missing_packages "${packages[@]}")
    mapfile -t further < <(missing_packages "${further_packages[@]}")
    if ((${#missing[@]} + ${#further[@]} == 0)); then
        echo "Debian packages: all there"
        return
    fi
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "run as root, or install sudo, for: ${missing[*]} ${further[*]}"
        as_root=(sudo)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet)
    "${as_root[@]}" update
    local package
    for package in "${further[@]}"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            missing+=("$package")
        else
            echo "Debian packages: this release has no $package: the tests that need it will not run"
        fi
    done
    ((${#missing[@]} > 0)) || return 0
    echo "Debian packages: installing ${missing[*]}"
    "${as_root[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null
}

# Names everything that the environment depends on: a moved folder or a new Python makes a new one.
# That of all packages begins as that of the demo's, so it serves for the demo too.
environment_key() {
    printf '%s\n' "$PWD" "$(/usr/bin/python3 --version)"
    cat "${requirements[@]}"
}

make_environment() {
    local key=.venv/epy-setup-key
    if [[ -f $key ]] && [[ $(<"$key") == "$(environment_key)"* ]]; then
        echo "Python packages: all there (.venv)"
        return
    fi
    [[ ! -L .venv ]] || fail ".venv is a link, to an environment of others; remove it, to get one here"
    echo "Python packages: installing ${requirements[-1]} into .venv"
    /usr/bin/python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
        --requirement "${requirements[-1]}"
    .venv/bin/python -m pip --disable-pip-version-check check
    environment_key >"$key"
}

install_packages
make_environment
