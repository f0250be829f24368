#!/usr/bin/env bash
# run.sh PROGRAM FOLDER SEED: libFuzzer looks for inputs, beginning from a file, for EPY_FUZZ_SECONDS
# (20). FOLDER/corpus keeps what led somewhere new, for the next time; an input that breaks something
# is left in FOLDER, to run PROGRAM on.
set -euo pipefail
program=$1 folder=$2 seed=$3
mkdir --parents "$folder/corpus"
cp "$seed" "$folder/corpus/seed"
options=(
    "-max_total_time=${EPY_FUZZ_SECONDS:-20}"
    -timeout=600 # of one input: it hangs
    -max_len=1000000 -rss_limit_mb=4096
    "-artifact_prefix=$folder/" -print_final_stats=1 -verbosity=0
)
exec "$program" "${options[@]}" "$folder/corpus"
