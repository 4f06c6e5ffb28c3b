#!/usr/bin/env bash
# Runs every Fuzz target of the module for a while each: test/fuzz.sh [SECONDS] [PACKAGE...]
# A target that fails leaves its input in testdata/fuzz beside the test; the
# others run all the same.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=local
seconds=${1:-20}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: test/fuzz.sh [SECONDS] [PACKAGE...]" >&2; exit 2; }
shift || true
[ $# -gt 0 ] || set -- ./...

targets=0 failed=()
packages=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' "$@")
for package in $packages; do
	dir=$(go list -f '{{.Dir}}' "$package")
	grep -qsE '^func Fuzz' "$dir"/*_test.go || continue
	names=$(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
	if [ -z "$names" ]; then
		echo "$package has fuzz targets that cannot be listed: does it compile?" >&2
		failed+=("$package")
		continue
	fi
	for name in $names; do
		targets=$((targets + 1))
		echo "== $package $name, ${seconds}s"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" "$package" || failed+=("$package $name")
	done
done
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
[ "$targets" -gt 0 ] || { echo "there are no fuzz targets" >&2; exit 1; }
echo "$targets fuzz targets held"
