#!/usr/bin/env bash
# Makes .venv with the `deskhand` command, and installs what the system lacks. Quick when nothing is missing.
# Usage: vm/host/setup.sh [FURTHER_PACKAGE_LIST...]
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'setup: %s\n' "$*" >&2; }

lists=(vm/host/packages.txt "$@")
stamp=.venv/.ready
want=$(cat requirements.lock pyproject.toml "${lists[@]}" | sha256sum | cut -c1-32)
have=$(grep -F "${lists[*]}" "$stamp" 2>/dev/null | cut -d' ' -f1 || true)
[ "$want" = "$have" ] && exit 0

# A package, or several names of it with | between: Ubuntu calls some libraries differently.
installed() {
    local name
    for name in ${1//|/ }; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed' && return
    done
    return 1
}

on_offer() {
    local name
    for name in ${1//|/ }; do
        [ -n "$(apt-cache madison "$name" 2>/dev/null)" ] && echo "$name" && return
    done
    echo "${1%%|*}"
}

system_packages() {
    if ! command -v apt-get >/dev/null; then
        say "this is not Debian or Ubuntu; install the programs of ${lists[*]} by your own package manager"
        return
    fi
    local missing=() optional=() package why
    while read -r package why; do
        case "$package" in ''|'#'*) continue ;; esac
        installed "$package" && continue
        case "$why" in optional*) optional+=("$package") ;; *) missing+=("$package") ;; esac
        [ $((${#missing[@]} + ${#optional[@]})) -eq 1 ] && say "the system lacks these packages:"
        printf '         %-24s %s\n' "$package" "$why" >&2
    done < <(cat "${lists[@]}")
    [ $((${#missing[@]} + ${#optional[@]})) -eq 0 ] && return
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { say "become root and run: apt-get install ${missing[*]}"; exit 1; }
        sudo=(sudo)
    fi
    say "installing them (${sudo[*]:+with sudo, }apt-get; LibreOffice is some 300 MB)"
    "${sudo[@]}" apt-get update -qq
    local names=()
    for package in "${missing[@]}"; do names+=("$(on_offer "$package")"); done
    local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends)
    if [ ${#names[@]} -gt 0 ]; then "${apt[@]}" "${names[@]}" >/dev/null; fi
    for package in "${optional[@]}"; do
        "${apt[@]}" "$package" >/dev/null 2>&1 || say "$package is not to be had here; what needs it is skipped, loudly"
    done
}

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed; on older systems: apt-get install python3.11 python3.11-venv"
    exit 1
}

python_packages() {
    local python
    python=$(find_python)
    [ -x .venv/bin/python ] || { say "making .venv"; "$python" -m venv .venv; }
    say "installing the Python packages of requirements.lock into .venv"
    # --no-deps: the lock is complete, and leaves out python3-xlib, which would overwrite python-xlib's files.
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
}

system_packages
python_packages
printf '%s %s\n' "$want" "${lists[*]}" >>"$stamp"
say "ready: .venv/bin/deskhand"
