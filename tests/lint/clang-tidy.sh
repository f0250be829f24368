#!/usr/bin/env bash
# clang-tidy (.clang-tidy has the chosen list) over loader and stub. Argument: the build folder.
set -euo pipefail
build=$1
options=(-quiet -j 2 -p "$build" -extra-arg=-Wno-unknown-warning-option)
if ! output=$(run-clang-tidy-14 "${options[@]}" '/(loader|stub)/[^.]*\.cpp$' 2>&1); then
    sed --regexp-extended '/warnings? generated\.$/d; s/\x1b\[[0-9;]*m//g' <<<"$output"
    exit 1
fi
