# Shared by the scripts beside it: where things are kept, and how a step reports itself.
# Sourced, never run.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# What outlives a checkout: compiled dependencies, downloads, tools. Deleting it costs time only.
CACHE=${ZENITH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zenith-ci}
# What belongs to this checkout: logs, photographs, wheels. Ignored by git.
LOCAL=$ROOT/.cache
LOGS=$LOCAL/logs
VENV=$ROOT/.venv
PYTHON=$VENV/bin/python
mkdir -p "$CACHE" "$LOGS"

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
# `plugins/` has a folder of its own, so that the two workspaces can build at the same time.
PLUGINS_TARGET_DIR=$CACHE/target-plugins
export UV_CACHE_DIR=${UV_CACHE_DIR:-$CACHE/uv}
# What the compilers of plugins keep, and the Python in which those that are packages are found.
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-$CACHE/zig} GOCACHE=${GOCACHE:-$CACHE/go} ZENITH_PYTHON=$PYTHON
export npm_config_cache=${npm_config_cache:-$CACHE/npm}
export CARGO_TERM_COLOR=never PYTHONUNBUFFERED=1

RUST_VERSION=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)

# Which steps failed, by name.
FAILED=()

log_of() {
    printf '%s/%s.log' "$LOGS" "$(tr -cs 'a-zA-Z0-9' '-' <<<"$1" | sed 's/^-//; s/-$//' | tr 'A-Z' 'a-z')"
}

# ended NAME STATUS SECONDS: ends the line that shows a step, and shows its log where it failed.
# Leaves the status in STATUS and answers 0, so that nobody is tempted to call it in a condition.
ended() {
    local name=$1 status=$2 seconds=$3 log
    log=$(log_of "$name")
    STATUS=$status
    if [ "$status" -eq 0 ]; then
        printf ' %5d s\n' "$seconds"
        return
    fi
    printf ' %5d s  FAILED\n' "$seconds"
    tail -n "${ZENITH_LOG_LINES:-80}" "$log" | sed 's/^/    /'
    printf '    (exit status %s; the whole log: %s)\n' "$status" "$log"
    FAILED+=("$name")
}

# check NAME COMMAND...: runs it quietly and goes on, whatever comes of it. Never to be called in the
# condition of an `if` or beside `||`: bash then ignores `set -e` inside the command.
check() {
    local name=$1 started=$SECONDS status=0 pid
    shift
    printf '%-52s' "$name"
    "$@" >"$(log_of "$name")" 2>&1 </dev/null &
    pid=$!
    if [ -t 1 ]; then
        while kill -0 "$pid" 2>/dev/null; do
            printf ' %5d s\r%-52s' $((SECONDS - started)) "$name"
            sleep 0.2
        done
    fi
    wait "$pid" || status=$?
    ended "$name" "$status" $((SECONDS - started))
}

# step NAME COMMAND...: as `check`, but nothing can follow where it fails.
step() {
    check "$@"
    [ "$STATUS" -eq 0 ] || exit 1
}

# What runs beside the steps: its process group and when it began, by name.
declare -A BESIDE=() BEGAN=()

# begin NAME COMMAND...: starts a step beside the ones that follow. It is a process group of its own,
# so that all of it ends where this script ends before it.
begin() {
    local name=$1
    shift
    BEGAN[$name]=$SECONDS
    set -m
    "$@" >"$(log_of "$name")" 2>&1 </dev/null &
    BESIDE[$name]=$!
    set +m
    trap end_beside EXIT
}

end_beside() {
    local group
    for group in "${BESIDE[@]}"; do kill -- "-$group" 2>/dev/null || true; done
}

# finish NAME: waits for what `begin` started, without which nothing can follow. The seconds are those
# that it took in all.
finish() {
    local name=$1 status=0
    wait "${BESIDE[$name]}" || status=$?
    unset "BESIDE[$name]"
    printf '%-52s' "$name"
    ended "$name" "$status" $((SECONDS - BEGAN[$name]))
    [ "$STATUS" -eq 0 ] || exit 1
}

# say LINE: something to know that is not a failure.
say() { printf '%s\n' "$*"; }

# stop MESSAGE HINT: for what the scripts cannot mend.
stop() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

# fingerprint PATH...: a digest of the files under these paths that git does not ignore, and of their
# names. A file that git lists but that was deleted changes it too.
fingerprint() {
    { git ls-files -z --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" -type f -print0; } |
        sort -zu | { xargs -0 -r sha256sum 2>&1 || true; } | sha256sum | cut -d' ' -f1
}
