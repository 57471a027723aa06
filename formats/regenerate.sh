#!/usr/bin/env bash
# Regenerates formats/snnhub_formats/_gen from the .proto files with the pinned generator (Python 3.11).
# With --check: fails if the committed code is not what the generator makes.
# Old generated code (gencode 4.25) works with every protobuf runtime from 4.25 to 7: do not raise the pin.
set -euo pipefail
cd "$(dirname "$0")"
env="${PROTO_ENV:-../.envs/proto}"
if [ ! -e "$env/.ready" ]; then
    "${PYTHON:-python3.11}" -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check 'grpcio-tools==1.62.3' 'setuptools<70'
    touch "$env/.ready"
fi
committed=snnhub_formats/_gen
out="$committed"
if [ "${1:-}" = --check ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
"$env/bin/python" -m grpc_tools.protoc -Isnnhub_formats/proto --python_out="$out" --pyi_out="$out" \
    snnhub_formats/proto/snnhub_v1_graph.proto
if [ "$out" != "$committed" ]; then
    for file in "$out"/*; do
        diff "$committed/$(basename "$file")" "$file"
    done
    echo "generated code is up to date"
fi
