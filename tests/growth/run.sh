#!/usr/bin/env bash
# Tests whose hosts run in rounds: run.sh PYTHON FILE... Fails if a round leaves anything in Python, or if
# no host could run in rounds.
set -euo pipefail
tests=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
python=$1
shift
EPY_ROUNDS=$(mktemp)
export EPY_ROUNDS
trap 'rm -f "$EPY_ROUNDS"' EXIT
"$python" -m pytest -q -rs "${@/#/$tests/}"
[[ -s $EPY_ROUNDS ]] || {
    echo "no host ran in rounds" >&2
    exit 1
}
