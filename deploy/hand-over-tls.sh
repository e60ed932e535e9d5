#!/bin/sh
# Copies /etc/ocsgw/tls, which root alone can read, to /run/ocsgw/tls, where the gateway can read it. The unit runs this
# as root before each start and each reload, so that a renewed certificate with its key comes into force by
# `systemctl reload ocsgw`. All files change at once.
set -eu
from=${1:-/etc/ocsgw/tls} to=${2:-/run/ocsgw}

[ -d "$from" ] || exit 0
# The user that exists while the service runs, as its directory names it.
user=$(stat -c %u "${STATE_DIRECTORY:?the unit names it}/")
# Every directory is root's: the service can put no link in the way of what root does here.
umask 022
mkdir -p "$to"
next=$(mktemp -d "$to/tls-XXXXXX")
for file in "$from"/*; do
  [ -f "$file" ] || continue
  install -m 0400 -o "$user" "$file" "$next/"
done
chmod 0755 "$next"
before=$(readlink "$to/tls" || true)
ln -sfn "${next##*/}" "$to/next" && mv -T "$to/next" "$to/tls"
[ -z "$before" ] || rm -rf -- "${to:?}/$before"
