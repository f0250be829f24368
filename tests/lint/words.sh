#!/usr/bin/env bash
# Nothing is left behind for later, and nothing names a folder of one machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
search() {
    local why=$1 pattern=$2
    if git grep --untracked --line-number -I --extended-regexp "$pattern" -- . ':!tests/lint'; then
        printf 'tests/lint/words.sh: %s\n' "$why" >&2
        status=1
    fi
}
search "do it, or say it in an issue" '\b(TODO|FIXME|XXX|HACK)\b'
search "a path that only one machine has" '(^|[^[:alnum:]_./}])/(home|root|work)/'
exit $status
