#!/bin/sh
# Copies /etc/ocsgw/tls, which only root can read, to /run/ocsgw/tls, where the gateway can read it. The unit runs this
# script as root before each start and reload, so that `systemctl reload ocsgw` activates a renewed certificate and its
# key. All files change at once.
set -eu
from=${1:-/etc/ocsgw/tls} to=${2:-/run/ocsgw}

[ -d "$from" ] || exit 0
# The service's user exists only while the service runs; it owns the state directory.
user=$(stat -c %u "${STATE_DIRECTORY:?the unit names it}/")
# Root owns every directory, so the service cannot redirect these commands with a symbolic link.
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
