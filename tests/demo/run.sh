#!/usr/bin/env bash
# The demo: build a plugin from demo.py, then let the sqlite3 program and a plain C host use it.
# Arguments: the Python that has epy, and the C host. Ends at the first answer that is not as expected.
set -euo pipefail
python=$1 host=$2
script=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/demo.py
folder=$(mktemp --directory)
trap 'rm -r "$folder"' EXIT
cp "$script" "$host" "$folder"
cd "$folder"

epy() { "$python" -m epy "$@"; }
host() { ./"${host##*/}" "$@"; }

say() { printf '\n# %s\n' "$*"; }

# Print a command, run it, print its answer; all of that must match the pattern given first.
show() {
    local expected=$1 output
    shift
    printf '$'
    local word
    for word in "$@"; do
        if [[ $word == *[\ \(]* ]]; then printf ' "%s"' "$word"; else printf ' %s' "$word"; fi
    done
    printf '\n'
    if ! output=$("$@" 2>&1) || [[ $output != $expected ]]; then
        printf '%s\ndemo: this should have succeeded, answering: %s\n' "$output" "$expected" >&2
        exit 1
    fi
    printf '%s' "${output:+$output$'\n'}"
}

say "The plugin's source is a Python script:"
show "*import epy*" cat demo.py
say "epy makes a shared object of it. No compiler runs."
show "*" epy build demo.py -o demo.so
show "*days_between*" epy inspect demo.so
say "The dynamic linker sees ordinary symbols:"
show "*sqlite3_demo_init*" nm --dynamic --defined-only demo.so
say "Debian's sqlite3 loads it and calls it from SQL:"
show 366 sqlite3 :memory: ".load ./demo" "select days_between('2024-01-01', '2025-01-01')"
say "A plain C host finds it with dlopen and dlsym:"
show "from*: 366 days" host ./demo.so 2024-01-01 2025-01-01
say "A Python exception becomes a traceback on stderr and the declared error value, here -1:"
show "*Traceback*ValueError: *tomorrow*: -1 days" host ./demo.so 2024-01-01 tomorrow
