#!/usr/bin/env bash
# Makes the root file system that aeod runs in: git, what git needs to fetch over
# https, and the certificate authorities, out of Debian's packages. No shell, no
# package manager. Usage: rootfs.sh FOLDER
set -euo pipefail
out=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

# git's own commands that we call are one C program; what perl is needed for is
# none of them.
packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances git |
  grep -E '^[a-z0-9]' | grep -vE '^(perl|libperl|liberror-perl|git-man|debconf|dpkg|tar|gcc-.*-base|cdebconf|libdebian-installer)' | sort -u)
cd "$work"
chmod 755 "$work"
# shellcheck disable=SC2086
apt-get download -q $packages ca-certificates >/dev/null
for p in ./*.deb; do dpkg-deb -x "$p" "$out"; done

cat "$out"/usr/share/ca-certificates/mozilla/*.crt > "$work/ca.crt"
rm -rf "$out"/usr/share "$out"/usr/sbin "$out"/sbin "$out"/var "$out"/etc "$out"/usr/lib/git-core/mergetools \
  "$out"/usr/lib/x86_64-linux-gnu/gconv "$out"/usr/lib/x86_64-linux-gnu/perl* "$out"/usr/lib/tmpfiles.d
# Of bin only git stays; of git-core what is git itself.
find "$out/bin" "$out/usr/bin" -mindepth 1 ! -name git -delete 2>/dev/null || true
find "$out/usr/lib/git-core" -type f ! -name git ! -name 'git-remote-http*' ! -name git-http-fetch -delete
find "$out" -xtype l -delete
mkdir -p "$out/etc/ssl/certs" "$out/tmp" "$out/var/cache/aeod" "$out/var/lib/aeod"
chmod 1777 "$out/tmp"
cp "$work/ca.crt" "$out/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0::/:/sbin/nologin\naeod:x:65532:65532::/var/cache/aeod:/sbin/nologin\n' > "$out/etc/passwd"
printf 'root:x:0:\naeod:x:65532:\n' > "$out/etc/group"
