#!/usr/bin/env bash
# Pythons to test with, beside the system's.
#
#   tests/pythons.sh [--ready] VERSION...        such as 3.12 3.14 3.14t (free-threaded)
#
# For each version the path of an executable that has a shared libpython is printed: one that is
# installed (in PATH, by pyenv), one that an earlier run has made, or a new one, which goes into
# ~/.cache/epy/pythons (XDG_CACHE_HOME): built from Debian's source package, mostly a later release's, or
# unpacked from what Maven's repository has. For a build: tests/setup.sh pythons. --ready: none is
# compiled, which takes minutes. Exit status 1 if one cannot be had; the others are printed all the same.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/epy/pythons
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites=(trixie forky sid) # one that is older in a later suite was not asked for

fail() {
    printf 'tests/pythons.sh: %s\n' "$*" >&2
    return 1
}

# It runs, is of that version, and hosts can load its library.
is_right() { # EXECUTABLE VERSION
    [[ -x $1 ]] && "$1" -I - "$2" 2>/dev/null <<'P'
import os, sys, sysconfig, ctypes, ssl
var = sysconfig.get_config_var
version = f"3.{sys.version_info.minor}{'t' if var('Py_GIL_DISABLED') else ''}"
header = os.path.join(sysconfig.get_path("include"), "Python.h")
library = os.path.join(var("LIBDIR"), var("INSTSONAME"))
sys.exit(version != sys.argv[1] or not (os.path.exists(header) and os.path.exists(library)))
P
}

installed() { # VERSION
    local one
    for one in "$cache/$1/bin/python$1" $(type -ap "python$1") ~/.pyenv/versions/*/bin/"python$1"; do
        if is_right "$one" "$1"; then
            printf '%s\n' "$one"
            return
        fi
    done
    return 1
}

# ---- from Debian's source

# apt with lists of its own: this machine's are left as they are.
private_apt() {
    "$1" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root \
        -o Dir::State::status=/dev/null "${@:2}"
}

# The newest source that is served: an index may name what is not.
download_source() { # MINOR
    local mirror version
    mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
    [[ -n $mirror && -f $keyring ]] || fail "this machine's apt knows no Debian mirror" || return
    if [[ ! -d $work/lists ]]; then
        mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
        printf "deb-src [signed-by=$keyring] $mirror %s main\n" "${suites[@]}" >"$work/sources.list"
        private_apt apt-get --quiet --quiet update >&2
    fi
    mkdir -p "$work/$1"
    cd "$work/$1"
    for version in $(private_apt apt-cache showsrc --only-source "python$1" 2>/dev/null |
        sed -n 's/^Version: //p' | sort --version-sort --reverse --unique); do
        if private_apt apt-get --quiet --quiet source --download-only "python$1=$version" >&2; then
            return
        fi
    done
    fail "none of Debian's sources of Python $1 is served"
}

build_from_source() { # VERSION
    local minor=${1%t} options=() folder=$work/build-$1
    [[ $1 == "$minor" ]] || options=(--disable-gil)
    (download_source "$minor") || return
    mkdir "$folder"
    tar --extract --file "$work/$minor"/*.orig.tar.* --strip-components 1 --directory "$folder"
    cd "$folder"
    # Without the optimizations that take long.
    ./configure --quiet --prefix="$cache/$1" --enable-shared "${options[@]}" --disable-test-modules \
        LDFLAGS="-Wl,-rpath,$cache/$1/lib" &&
        nice -n 5 make --silent -j2 && make --silent install
}

# ---- from Maven's repository

unpack_from_maven() { # VERSION
    local artifact old file
    case $1 in
    3.12) artifact=3.12.7-1.5.11 ;;
    3.13) artifact=3.13.5-1.5.12 ;;
    3.14) artifact=3.14.3-1.5.13 ;;
    *) return 1 ;;
    esac
    artifact=org.bytedeco:cpython:$artifact:jar:linux-x86_64
    command -v mvn >/dev/null || return
    mvn --quiet --batch-mode dependency:get -Dartifact="$artifact" -Dtransitive=false &&
        mvn --quiet --batch-mode dependency:copy -Dartifact="$artifact" -DoutputDirectory="$work" ||
        return
    python3 -m zipfile -e "$work"/cpython-*.jar "$work/jar" || return
    rm -rf "${cache:?}/$1"
    mkdir -p "$cache"
    mv "$work/jar/org/bytedeco/cpython/linux-x86_64" "$cache/$1"
    cd "$cache/$1"
    chmod +x bin/*
    mv libpython*.so.* libffi.so* lib/
    ln -s "$(cd lib && echo libpython*.so.*)" "lib/libpython$1.so"
    old=$(sed -n "s/^prefix=//p" "lib/pkgconfig/python-$1.pc")
    grep --recursive --files-with-matches --null --fixed-strings "$old" lib/pkgconfig \
        lib/python"$1"/_sysconfig* lib/python"$1"/config-* | xargs --null sed --in-place "s|$old|$PWD|g"
    # Its own folder is in there as a text that ends in zeros.
    python3 -I - "$old" "$PWD" lib/libpython*.so.* <<'P'
import sys

old, new, path = *map(str.encode, sys.argv[1:3]), sys.argv[3]
if len(new) > len(old):
    sys.exit(f"{path}: {new.decode()} is too long a folder for it")
with open(path, "r+b") as file:
    content = file.read().replace(old + b"\0", new.ljust(len(old) + 1, b"\0"))
    file.seek(0)
    file.write(content)
P
}

provide() { # VERSION
    [[ $1 =~ ^3\.[0-9]+t?$ ]] || fail "'$1' is no version such as 3.14 or 3.14t" || return
    installed "$1" && return
    rm -rf "${work:?}/build-$1"
    if [[ -z $ready ]]; then
        printf '# Python %s: looking for one; a build takes some minutes\n' "$1" >&2
        (build_from_source "$1") >"$work/build.log" 2>&1 && installed "$1" && return
    fi
    (unpack_from_maven "$1") >"$work/maven.log" 2>&1 && installed "$1" && return
    tail -n 5 "$work"/*.log >&2
    fail "Python $1 is not to be had: not installed, no source, no archive"
}

ready=
if [[ ${1:-} == --ready ]]; then
    ready=yes
    shift
fi
(($# > 0)) || fail "usage: tests/pythons.sh [--ready] VERSION..." || exit 2
work=$(mktemp --directory --tmpdir epy-pythons.XXXXXX)
trap 'rm -rf "$work"' EXIT
status=0
for version in "$@"; do
    provide "$version" || status=1
done
exit "$status"
