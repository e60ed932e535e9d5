#!/bin/sh
# Makes a Debian package with everything that the gateway needs: sh debian-package.sh DIR
# Run it in the unpacked package, after `npm ci --omit=dev`. DIR gets ocs-gateway_VERSION_ARCHITECTURE.deb. Equal files
# give equal bytes. COMPRESSION: of dpkg-deb, xz by default.
set -eu
umask 022

out=${1:?usage: debian-package.sh DIR}
node=node_modules/.bin/node
version=$("$node" -p 'require("./package.json").version.replace("-", "~")')
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-499162500}
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
app=$root/opt/ocsgw doc=$root/usr/share/doc/ocs-gateway
mkdir -p "$app/node_modules/.bin" "$root/usr/bin" "$root/lib/systemd/system" "$doc/examples" "$root/DEBIAN"

# The gateway's own files by package.json, its libraries by npm-shrinkwrap.json; of Node the program alone.
"$node" -e '
  const { existsSync, readFileSync } = require("fs");
  const { packages } = JSON.parse(readFileSync("npm-shrinkwrap.json", "utf8"));
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  const isNode = (path) => /node_modules\/node-[a-z]+-[a-z0-9]+$/.test(path);
  const found = Object.keys(packages).filter((path) => path !== "" && existsSync(path));
  const partsOf = (path) => ["package.json", "LICENSE", "bin/node"].map((each) => `${path}/${each}`);
  const libraries = found.flatMap((path) => (isNode(path) ? partsOf(path) : [path]));
  for (const path of ["package.json", "LICENSE", ...files, ...libraries]) console.log(path);
' | tar -cf - -T - | tar -xf - --no-same-owner -C "$app"
ln -s "../$(basename "$(dirname "$(dirname "$(readlink -f "$node")")")")/bin/node" "$app/node_modules/.bin/node"
ln -s ../../opt/ocsgw/deploy/ocsgw "$root/usr/bin/ocsgw"
cp deploy/ocsgw.service deploy/ocsgw.socket "$root/lib/systemd/system/"
cp config/ocsgw.yaml config/keys.yaml "$doc/examples/"
{
  printf 'ocs-gateway is licensed under the Apache License 2.0:\n\n'
  cat LICENSE
  printf '\nThe packages below /opt/ocsgw/node_modules have licenses of their own, whose texts are there:\n\n'
  cat THIRD-PARTY-LICENSES.md
} > "$doc/copyright"
gzip -n9 < lib/docs/changelog.md > "$doc/changelog.gz"

cat > "$root/DEBIAN/control" <<END
Package: ocs-gateway
Version: $version
Architecture: $architecture
Maintainer: ocs-gateway maintainers <maintainers@ocs-gateway.invalid>
Section: net
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root" | cut -f1)
Depends: libc6 (>= 2.28), libstdc++6
Recommends: openssl, systemd (>= 250)
Description: API gateway in front of Genesys Outbound Contact Server (OCS)
 Authenticates the clients of a contact center, keeps their tenants apart,
 schedules their requests fairly, and keeps a journal that proves what
 happened. Contains the Node.js that it runs on.
END

# The service is not started: it needs a config first. An update restarts it if it runs; with the socket unit no
# connection is refused meanwhile.
cat > "$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  [ -z "$2" ] || systemctl try-restart ocsgw.service
fi
END
cat > "$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now ocsgw.socket ocsgw.service || true
fi
END
# The journal is evidence, and the config has no copy: both stay, also after a purge.
cat > "$root/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then echo "ocs-gateway: /etc/ocsgw and the journal in /var/lib/ocsgw are kept" >&2; fi
END
chmod 0755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"

chmod -R u=rwX,go=rX "$root/opt" "$root/usr" "$root/lib"
(cd "$root" && find opt usr lib -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$out"
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$root" "$out/ocs-gateway_${version}_$architecture.deb" >/dev/null
echo "$out/ocs-gateway_${version}_$architecture.deb"
