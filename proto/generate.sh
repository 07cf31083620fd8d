#!/usr/bin/env bash
# Generates all code that comes from the protos: C by protoc-gen-c, Swift by proto/Generator.
#   proto/generate.sh           writes it into the modules' Wire/ and Contract/Generated/ folders
#   proto/generate.sh --check   writes nothing; names what is stale, and exits with 1 if anything is
set -euo pipefail
cd "$(dirname "$0")/.."

# Which proto goes to which module: Swift module, C module, folder, stubs (full; or methods, for
# a module that does not see RPC's servers and channels), then its protos.
table() {
  cat << 'TABLE'
WellKnown CWellKnownWire Shared/WellKnown full
  google/protobuf/timestamp.proto
  google/protobuf/duration.proto
  google/protobuf/empty.proto
  google/protobuf/any.proto
  google/rpc/status.proto
  google/rpc/error_details.proto
MeshContract CMeshWire Shared/MeshContract full
  grpc/health/v1/health.proto
  grpc/reflection/v1/reflection.proto
  grpc/reflection/v1alpha/reflection.proto
  assay/admin/v1/admin.proto
  assay/supervisor/v1/supervisor.proto
ScoreContract CScoreWire Shared/ScoreContract methods
  assay/score/v1/value.proto
  assay/score/v1/run.proto
StoreContract CStoreWire Services/Store full
  assay/store/v1/verdicts.proto
  assay/store/v1/leases.proto
  assay/store/v1/store.proto
GatewayContract CGatewayWire Services/Gateway full
  assay/gateway/v1/call.proto
  assay/gateway/v1/account.proto
  assay/gateway/v1/gateway.proto
OrchestratorContract COrchestratorWire Services/Orchestrator full
  assay/orchestrator/v1/orchestrator.proto
TestingContract CTestingWire Tests/Support/Testing full
  grpc/testing/empty.proto
  grpc/testing/messages.proto
  grpc/testing/test.proto
  assay/testing/v1/features.proto
  assay/testing/v1/echo.proto
TABLE
}

# The table with a module and its protos on one line.
rows() {
  table | awk '/^[^ ]/ && row { print row; row = "" } { row = row " " $0 } END { print row }'
}

check=no
case "${1:-}" in
  "") ;;
  --check) check=yes ;;
  *)
    echo "usage: proto/generate.sh [--check]" >&2
    exit 2
    ;;
esac
for tool in protoc protoc-gen-c; do
  command -v "$tool" > /dev/null || {
    echo "generate.sh: $tool is missing; scripts/bootstrap installs it" >&2
    exit 2
  }
done

# The generator given by the caller, or built here. A test that runs inside `swift test` gives
# it: the build folder is locked then.
generator=${ASSAY_PROTOGEN:-}
if [[ -z $generator ]]; then
  swift build --quiet --product assay-protogen >&2
  generator="$(swift build --show-bin-path)/assay-protogen"
fi

homes=$(rows | while read -r module _ _ _ protos; do
  for proto in $protos; do printf ',at.%s=%s' "$proto" "$module"; done
done)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
stale=no

while read -r module wire folder stubs protos; do
  mkdir -p "$scratch/$folder"
  read -ra files <<< "$protos"
  options="module=$module,wire=$wire,stubs=$stubs$homes"
  protoc --proto_path=proto \
    --plugin=protoc-gen-swift="$generator" --swift_out="mode=swift,$options:$scratch/$folder" \
    --plugin=protoc-gen-wire="$generator" --wire_out="mode=c,$options:$scratch/$folder" \
    "${files[@]}"
  for part in Wire Contract/Generated; do
    if [[ $check == yes ]]; then
      if ! diff -rq "$scratch/$folder/$part" "$folder/$part" >&2; then stale=yes; fi
    else
      mkdir -p "$folder/$part"
      # Only what changed is written, so that the next build is short.
      (cd "$folder/$part" && find . -type f) | while read -r file; do
        [[ -e $scratch/$folder/$part/$file ]] || rm "$folder/$part/$file"
      done
      (cd "$scratch/$folder/$part" && find . -type f) | while read -r file; do
        if ! cmp -s "$scratch/$folder/$part/$file" "$folder/$part/$file"; then
          mkdir -p "$(dirname "$folder/$part/$file")"
          cp "$scratch/$folder/$part/$file" "$folder/$part/$file"
        fi
      done
      find "$folder/$part" -type d -empty -delete
    fi
  done
done < <(rows)

if [[ $stale == yes ]]; then
  echo "generate.sh: the files named above are stale; run proto/generate.sh" >&2
  exit 1
fi
