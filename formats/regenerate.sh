#!/usr/bin/env bash
# Regenerates formats/snnhub_formats/_gen from the .proto files with the pinned generator (Python 3.11).
# Old generated code (gencode 4.25) works with every protobuf runtime from 4.25 to 7: do not raise the pin.
set -euo pipefail
cd "$(dirname "$0")"
env="${PROTO_ENV:-../.envs/proto}"
if [ ! -x "$env/bin/python" ]; then
    "${PYTHON:-python3.11}" -m venv "$env"
    "$env/bin/pip" install --quiet 'grpcio-tools==1.62.3' 'setuptools<70'
fi
out="${1:-snnhub_formats/_gen}"
mkdir -p "$out"
"$env/bin/python" -m grpc_tools.protoc -Isnnhub_formats/proto --python_out="$out" --pyi_out="$out" snnhub_formats/proto/snnhub_v1_graph.proto
