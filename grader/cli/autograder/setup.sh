#!/usr/bin/env bash
# Prepares Gradescope's container once, when the autograder is built: system packages, Python packages, the data.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
root=${AUTOGRADER_ROOT:-$(dirname "$source")}
# shellcheck source=/dev/null
. "$source/flags"

recent() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    command -v "$name" >/dev/null && "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      2>/dev/null && { echo "$name"; return; }
  done
  return 1
}

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet
  apt-get install --quiet --yes --no-install-recommends bubblewrap libseccomp2
  recent >/dev/null || apt-get install --quiet --yes --no-install-recommends python3 python3-venv
  recent >/dev/null || apt-get install --quiet --yes --no-install-recommends python3.11 python3.11-venv
fi
python=$(recent) || { echo "Python 3.11 or newer is needed" >&2; exit 1; }

"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --quiet ${PIP_FLAGS[@]+"${PIP_FLAGS[@]}"} --requirement "$source/requirements.txt"

# Data are staged now, and not in each student's ten minutes.
mkdir -p "$root/cache"
chmod 755 "$root/cache"
options=()
[ -d "$source/assignment" ] && options+=(--assignment "$source/assignment")
[ -d "$source/data" ] && options+=(--from "$source/data")
GRADE_CACHE="$root/cache" PYTHONPATH="$source" "$root/venv/bin/python" -m grader data ${options[@]+"${options[@]}"}
