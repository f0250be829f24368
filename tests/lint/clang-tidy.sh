#!/usr/bin/env bash
# clang-tidy (.clang-tidy has the chosen list) over loader and stub. Arguments: the build folder, and how
# many states of a function Clang's analyzer looks at, which is most of the time; "" for Clang's own 225000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [[ ! -x .venv/bin/clang-tidy ]]; then
    echo "not run: .venv has no clang-tidy, see tests/setup.sh"
    exit
fi
build=$(mktemp --directory)
trap 'rm --recursive "$build"' EXIT
# Clang knows all options but one of GCC's.
sed 's/ -fno-gnu-unique//' "$1/compile_commands.json" >"$build/compile_commands.json"
sources() {
    sed --quiet 's/^ *"file": "\(.*\)",\?$/\1/p' "$build/compile_commands.json" |
        grep --extended-regexp '/(loader|stub)/[^.]*\.cpp$' | sort --unique
}
options=(-quiet -p "$build" -extra-arg=-Wno-unknown-warning-option)
if [[ -n ${2:-} ]]; then
    options+=(-extra-arg=-Xclang -extra-arg=-analyzer-config -extra-arg=-Xclang "-extra-arg=max-nodes=$2")
fi
if ! output=$(sources | xargs --delimiter '\n' --max-procs 2 --max-args 1 \
    .venv/bin/clang-tidy "${options[@]}" 2>&1); then
    sed --regexp-extended '/warnings? generated\.$|^\[[0-9]+\/[0-9]+\] /d; s/\x1b\[[0-9;]*m//g' <<<"$output"
    exit 1
fi
