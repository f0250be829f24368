#!/usr/bin/env bash
# A bare Debian of any release, and packages of it, as a tar archive in ~/.cache/epy/debian
# (XDG_CACHE_HOME), whose path is printed: one that an earlier run has made, or a new one.
#
#   tests/debian.sh SUITE [PACKAGE...]      such as trixie libpython3.13
#
# Packages come from where this machine has its own from. As root, which debootstrap takes.
set -euo pipefail

fail() {
    printf 'tests/debian.sh: %s\n' "$*" >&2
    exit 2
}

mirror() {
    local all
    mapfile -t all < <(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Label: Debian' 'Component: main')
    ((${#all[@]} > 0)) || fail "this machine's apt knows no Debian mirror: apt-get update"
    printf '%s\n' "${all[0]}"
}

[[ ${1:-} =~ ^[a-z]+$ ]] || fail "usage: tests/debian.sh SUITE [PACKAGE...]"
suite=$1
shift
archive=${XDG_CACHE_HOME:-$HOME/.cache}/epy/debian/$(IFS=+ && echo "$suite${*:+"+$*"}").tar
if [[ ! -f $archive ]]; then
    ((EUID == 0)) || fail "run it as root: it makes a root folder"
    command -v debootstrap >/dev/null || fail "apt install debootstrap"
    source=$(mirror)
    work=$(mktemp --directory --tmpdir epy-debian.XXXXXX)
    trap 'rm --recursive --force --one-file-system "$work"' EXIT
    # What it mounts goes with its own namespace.
    unshare --mount --pid --fork debootstrap --variant=minbase ${*:+"--include=$(IFS=, && echo "$*")"} \
        "$suite" "$work/root" "$source" >"$work/log" 2>&1 </dev/null || {
        tail -n 30 "$work/log" >&2
        fail "debootstrap failed"
    }
    mkdir --parents "$(dirname "$archive")"
    # Whole or not at all.
    tar --create --file "$work/tar" --directory "$work/root" --exclude './var/cache/apt/*' .
    mv "$work/tar" "$archive.$$"
    mv "$archive.$$" "$archive"
fi
printf '%s\n' "$archive"
