# Sourced by benches, from the repository's folder: epy's peers in an environment of their own, and the
# functions that each of them lets C call.

use_python() { # PYTHON WORK_FOLDER
    base=$1
    work=$2
    python=$work/venv/bin/python
    folder=$work/calls
}
use_python /usr/bin/python3 "$PWD/build/bench"

make_environment() {
    local key=$work/venv/requirements.txt
    if ! cmp --silent bench/requirements.txt "$key"; then
        "$base" -m venv --clear "$work/venv"
        CFLAGS="-O2 -DNDEBUG" "$python" -m pip install --quiet --disable-pip-version-check \
            --no-deps --requirement bench/requirements.txt
        cp bench/requirements.txt "$key"
    fi
}

build_contenders() {
    mkdir -p "$work"
    make_environment
    cmake --preset release >"$work/cmake.log"
    cmake --build --preset release --target stub epy_loader epy_core >>"$work/cmake.log"
    PYTHONPATH=$PWD/build/release/python "$python" bench/calls/make.py "$folder" >"$work/peers.log"
}
