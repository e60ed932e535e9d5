#!/bin/sh
# Makes the file system of the container image: sh image-files.sh DIR
# Run it in the unpacked package, after `npm ci --omit=dev`. The image's Node is the one in npm-shrinkwrap.json.
set -eu

out=${1:?usage: image-files.sh DIR}
node=$(readlink -f node_modules/.bin/node)
app=$out/opt/ocsgw

mkdir -p "$out/usr/bin" "$out/etc/ocsgw" "$out/var/lib/ocsgw" "$out/tmp" "$app"
cp "$node" "$out/usr/bin/node"
mkdir -p "$out/usr/share/doc/nodejs"
cp "$(dirname "$node")/../LICENSE" "$out/usr/share/doc/nodejs/"

# The dynamic loader and the shared libraries, where the binary looks for them. Scanners of images read which Debian
# packages they come from.
mkdir -p "$out/var/lib/dpkg/status.d"
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$out$(dirname "$library")"
  cp -L "$library" "$out$library"
  # Debian lists a file below /lib or below /usr/lib, whichever the link.
  file=$(readlink -f "$library")
  package=$(dpkg-query -S "$library" "$file" "${file#/usr}" 2>/dev/null | cut -d: -f1 | head -n 1)
  [ -n "$package" ] || continue
  dpkg-query -s "$package" > "$out/var/lib/dpkg/status.d/$package"
  mkdir -p "$out/usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "$out/usr/share/doc/$package/"
done

# The packages that the gateway needs at run time, by npm-shrinkwrap.json, without the second copy of Node; the
# gateway's own files by package.json.
"$node" -e '
  const { existsSync, readFileSync } = require("fs");
  const { packages } = JSON.parse(readFileSync("npm-shrinkwrap.json", "utf8"));
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  const isNode = (path) => /node_modules\/node-[a-z]+-[a-z0-9]+$/.test(path);
  const libraries = Object.keys(packages).filter((path) => path !== "" && !isNode(path) && existsSync(path));
  for (const path of ["package.json", "LICENSE", ...files, ...libraries]) console.log(path);
' | tar -cf - -T - | tar -xf - -C "$app"

printf 'ocsgw:x:10001:10001:ocsgw:/var/lib/ocsgw:/sbin/nologin\n' > "$out/etc/passwd"
printf 'ocsgw:x:10001:\n' > "$out/etc/group"
printf 'hosts: files dns\n' > "$out/etc/nsswitch.conf"
chmod 0755 "$out"
chmod 1777 "$out/tmp"
chmod 0700 "$out/var/lib/ocsgw"
if [ "$(id -u)" = 0 ]; then chown 10001:10001 "$out/var/lib/ocsgw"; fi

# Compiled code: to compile is most of the CPU time of a start and of each health check. Root owns it,
# because whoever can write to it can change what the gateway executes. Node keeps it by user, so it is made as the
# image's user.
if [ "$(id -u)" = 0 ]; then
  compiled=$app/compiled
  mkdir "$compiled"
  chown 10001:10001 "$compiled"
  for load in 'main.js --version' 'main.js healthcheck --url http://127.0.0.1:9' 'main.js healthcheck -c /none' \
    'run.js'; do
    NODE_COMPILE_CACHE=${compiled#"$out"} chroot --userspec=10001:10001 "$out" \
      /usr/bin/node "${app#"$out"}/lib/cli/"$load >/dev/null 2>&1 || true
  done
  chown -R 0:0 "$compiled"
  chmod -R u=rwX,go=rX "$compiled"
fi
