#!/usr/bin/env bash
# README's two commands on a fresh machine: a bare Debian in a temporary folder, a clone of what is
# committed here, in a folder with a space in its name.
#
#   tests/chroot.sh SUITE [demo|test|matrix] [root|user]
#
# SUITE is bookworm, trixie, sid. Both commands, as root, and then in another fresh machine as a
# user who has sudo, unless the arguments choose. `matrix` is tests/matrix, for every Python that the
# release has packages of. Packages come from where this machine has its own from. Exit status 1 if a
# command fails; all are tried.
#
# What is mounted is so in a namespace of its own: it goes with the processes there, however they
# end, and the folder can then be removed.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
    printf 'tests/chroot.sh: %s\n' "$*" >&2
    exit 2
}

suite=
commands=(demo test)
users=(root user)
for word in "$@"; do
    case $word in
    demo | test | matrix) commands=("$word") ;;
    root | user) users=("$word") ;;
    -* | */*) fail "usage: tests/chroot.sh SUITE [demo|test|matrix] [root|user]" ;;
    *) suite=$word ;;
    esac
done
[[ -n $suite ]] || fail "usage: tests/chroot.sh SUITE [demo|test|matrix] [root|user]"
((EUID == 0)) || fail "run it as root: it makes a root folder and mounts"

folder=$(mktemp --directory --tmpdir epy-chroot.XXXXXX)
chmod 755 "$folder"
inside= # process of a namespace

clean_up() {
    if [[ -n $inside ]]; then
        # The first process in a namespace takes all others of it along.
        local first
        first=$(ps --no-headers -o pid --ppid "$inside") && kill -KILL $first
        wait "$inside" || true
    fi
    if grep --quiet " $folder" /proc/self/mounts; then
        fail "something is mounted in $folder: left as it is"
    fi
    rm --recursive --force --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs a command in a namespace of its own; not in the foreground, where bash would wait for its end
# before it minds a signal.
isolated() {
    unshare --mount --pid --fork "$@" </dev/null &
    inside=$!
    local status=0
    wait "$inside" || status=$?
    inside=
    return "$status"
}

# How this machine reaches the network: names, proxies, certificates, pip's settings; a mirror may be older
# than its index is valid.
copy_settings() {
    local root=$1 file
    apt-config dump | grep --extended-regexp '^Acquire::(https?|Retries|Check-Valid-Until)' \
        >"$root/etc/apt/apt.conf.d/99machine" || true
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
        [[ ! -e $file ]] || cp --dereference "$file" "$root$file"
    done
    for file in ~/.config/pip/pip.conf ~/.pip/pip.conf; do
        [[ ! -e $file ]] || cat "$file" >>"$root/etc/pip.conf"
    done
}

# The environment of somebody who has logged in, and what leads to the network.
login() {
    local variable
    printf '%s\0' LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    for variable in $(compgen -e); do
        case $variable in
        PIP_* | *_proxy | *_PROXY | SSL_CERT_* | REQUESTS_CA_BUNDLE)
            printf '%s\0' "$variable=${!variable}"
            ;;
        esac
    done
}

# run ROOT USER HOME COMMAND. The first process stays a shell, which reaps what daemons leave.
run() {
    local environment
    mapfile -d '' -t environment < <(login)
    isolated env --ignore-environment "${environment[@]}" HOME="$3" bash -c '
        mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && cd / || exit
        chroot "$0" runuser --user "$1" -- bash -c "cd ~/*clone* && $2"
        exit' "$1" "$2" "$4"
}

make_machine() { # ROOT
    local archive
    echo "# $suite: a bare system"
    archive=$("$project/tests/debian.sh" "$suite" ca-certificates sudo) || exit
    mkdir "$1"
    tar --extract --file "$archive" --directory "$1"
    copy_settings "$1"
}

add_user() { # ROOT NAME
    chroot "$1" useradd --create-home "$2"
    printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$2" >"$1/etc/sudoers.d/$2"
}

line_for() { # demo|test|matrix
    if [[ $1 == matrix ]]; then
        # shellcheck disable=SC2016 # for the shell inside
        echo 'tests/setup.sh && tests/setup.sh pythons &&
            tests/matrix $(compgen -c | sed -n "s/^python\(3\.[0-9]*\)$/\1/p" | sort --unique --version-sort)'
        return
    fi
    grep --only-matching --max-count=1 "tests/setup\.sh.* && cmake --workflow --preset $1" \
        "$folder/clone/README.md"
}

results=()
failed=0
git clone --quiet --no-hardlinks "$project" "$folder/clone" # what is committed now, for all
make_machine "$folder/base"
for user in "${users[@]}"; do
    root=$folder/$user
    home=/root
    cp --archive "$folder/base" "$root"
    if [[ $user != root ]]; then
        add_user "$root" "$user"
        home=$(chroot "$root" sh -c "echo ~$user")
    fi
    git clone --quiet --no-hardlinks "$folder/clone" "$root$home/a clone of epy"
    chroot "$root" chown --recursive "$user:" "$home"
    for command in "${commands[@]}"; do
        line=$(line_for "$command")
        printf '\n# %s, %s: %s\n' "$suite" "$user" "$line"
        start=$SECONDS
        if run "$root" "$user" "$home" "$line"; then
            results+=("$suite, $user, $command: passed, $((SECONDS - start)) s")
        else
            results+=("$suite, $user, $command: FAILED, $((SECONDS - start)) s")
            failed=1
        fi
    done
    rm --recursive --force --one-file-system "$root"
done
printf '\n'
printf '%s\n' "${results[@]}"
exit "$failed"
