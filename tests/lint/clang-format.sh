#!/usr/bin/env bash
# C and C++ files, new ones included, are as clang-format leaves them. Assembly it does not know;
# the small headers of single constructs of C are as their authors wrote them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [[ ! -x .venv/bin/clang-format ]]; then
    echo "not run: .venv has no clang-format, see tests/setup.sh"
    exit
fi
git ls-files -z --cached --others --exclude-standard '*.c' '*.cpp' '*.h' ':!*.S.h' \
    ':!tests/headers/constructs' |
    xargs -0 .venv/bin/clang-format --dry-run -Werror
