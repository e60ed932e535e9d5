#!/bin/sh
# Makes the file system of the container image: sh deploy/image-files.sh DIR
# Run it in a checkout after `npm ci`. The image's Node is the one in package-lock.json.
set -eu

out=${1:?usage: image-files.sh DIR}
node=$(readlink -f node_modules/.bin/node)
app=$out/opt/ocsgw

mkdir -p "$out/usr/bin" "$out/etc/ocsgw" "$out/var/lib/ocsgw" "$out/tmp" "$app"
cp "$node" "$out/usr/bin/node"

# The dynamic loader and the shared libraries, where the binary looks for them.
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$out$(dirname "$library")"
  cp -L "$library" "$out$library"
done

# The packages that the gateway needs at run time, by package-lock.json, without the second copy of Node.
"$node" -e '
  const { packages } = JSON.parse(require("fs").readFileSync("package-lock.json", "utf8"));
  for (const [path, { dev }] of Object.entries(packages)) {
    const isNode = /node_modules\/node-[a-z]+-[a-z0-9]+$/.test(path);
    if (path !== "" && !dev && !isNode && require("fs").existsSync(path)) console.log(path);
  }
' | tar -cf - -T - package.json LICENSE src | tar -xf - -C "$app"

printf 'ocsgw:x:10001:10001:ocsgw:/var/lib/ocsgw:/sbin/nologin\n' > "$out/etc/passwd"
printf 'ocsgw:x:10001:\n' > "$out/etc/group"
printf 'hosts: files dns\n' > "$out/etc/nsswitch.conf"
chmod 0755 "$out"
chmod 1777 "$out/tmp"
chmod 0700 "$out/var/lib/ocsgw"
if [ "$(id -u)" = 0 ]; then chown 10001:10001 "$out/var/lib/ocsgw"; fi

# Compiled code: to strip types and compile is most of the CPU time of a start and of each health check. Root owns it,
# because whoever can write to it can change what the gateway executes. Node keeps it by user, so it is made as the
# image's user.
if [ "$(id -u)" = 0 ]; then
  compiled=$app/compiled
  mkdir "$compiled"
  chown 10001:10001 "$compiled"
  for load in 'main.ts --version' 'main.ts healthcheck --url http://127.0.0.1:9' 'main.ts healthcheck -c /none' \
    'run.ts'; do
    NODE_COMPILE_CACHE=${compiled#"$out"} chroot --userspec=10001:10001 "$out" \
      /usr/bin/node "${app#"$out"}/src/cli/"$load >/dev/null 2>&1 || true
  done
  chown -R 0:0 "$compiled"
  chmod -R u=rwX,go=rX "$compiled"
fi
