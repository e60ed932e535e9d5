#!/bin/sh
# Boots this machine's systemd in namespaces of its own, as a container would: processes, mounts, network (loopback
# alone), name and control group; a root file system in memory with this machine's /usr, and the package at /opt/ocsgw.
# Nothing of it is seen outside.
#
#   boot-systemd.sh PACKAGE MOUNT-POINT    root only; ends when systemd ends; prints "systemd: PID" first
set -eu
package=$1 root=$2 phase=${3:-outside}

case $phase in
outside)
  exec unshare --mount --propagation private sh "$0" "$package" "$root" grouped
  ;;
grouped)
  # A control group below the one of this process, whichever versions are mounted here.
  mount -t cgroup2 cgroup2 "$root"
  own=$(sed -n 's/^0:://p' /proc/self/cgroup)
  group=$(mktemp -d "$root$own/ocsgw-test-XXXXXX")
  trap 'find "$group" -depth -type d -exec rmdir {} + 2>/dev/null' EXIT
  # Whoever is gone takes all below with it.
  sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec setpriv --pdeathsig KILL unshare "$@"' - "$group" \
    --pid --fork --kill-child --uts --ipc --net --cgroup --mount --propagation private \
    sh "$0" "$package" "$root" inside &
  child=$!
  # The first process of the new namespace, as it is numbered here.
  first=
  until [ -n "$first" ]; do kill -0 $child; sleep 0.01; first=$(cat "/proc/$child/task/$child/children"); done
  trap 'kill -KILL $first' TERM INT
  echo "systemd: $first"
  # A signal ends the first wait; nothing is left of the namespaces when unshare has ended.
  while kill -0 $child 2>/dev/null; do wait $child || true; done
  ;;
inside)
  ip link set lo up
  mount -t tmpfs -o mode=755 tmpfs "$root"
  cd "$root"
  mkdir -p usr proc sys dev run tmp root old var/lib var/log etc/systemd/system opt/ocsgw
  chmod 1777 tmp
  for each in bin sbin lib lib64; do ln -s "usr/$each" "$each"; done
  mount --bind /usr usr && mount -o remount,bind,ro usr
  mount -t tmpfs -o mode=755 tmpfs usr/local && mkdir usr/local/bin
  mount -t proc proc proc
  mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs dev
  for each in null zero full random urandom tty; do : > "dev/$each" && mount --bind "/dev/$each" "dev/$each"; done
  mkdir dev/shm dev/pts dev/mqueue dev/hugepages && ln -s /proc/self/fd dev/fd && ln -s pts/ptmx dev/ptmx
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
  mount -t tmpfs -o mode=1777 tmpfs dev/shm
  mount -t tmpfs -o mode=755 tmpfs run
  # The unpacked package as npm ci leaves it: node_modules may be a link here.
  for each in lib config deploy node_modules; do
    mkdir "opt/ocsgw/$each"
    mount --bind "$(readlink -f "$package/$each")" "opt/ocsgw/$each"
  done
  cp "$package/package.json" "$package/README.md" opt/ocsgw/
  printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/usr/sbin/nologin > etc/passwd
  printf '%s\n' root:x:0: nogroup:x:65534: > etc/group
  printf 'passwd: files\ngroup: files\nhosts: files\n' > etc/nsswitch.conf
  echo '127.0.0.1 localhost' > etc/hosts
  : > etc/machine-id
  # What a machine in memory has no use for.
  for each in systemd-logind.service dbus.service dbus.socket systemd-sysusers.service systemd-tmpfiles-setup.service \
    systemd-tmpfiles-setup-dev.service systemd-journal-flush.service systemd-update-utmp.service \
    systemd-update-utmp-runlevel.service systemd-user-sessions.service systemd-timesyncd.service \
    systemd-networkd.service systemd-resolved.service systemd-machine-id-commit.service getty.target remote-fs.target \
    timers.target dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-kernel-config.mount sys-fs-fuse-connections.mount; do
    ln -s /dev/null "etc/systemd/system/$each"
  done
  ln -s /usr/lib/systemd/system/multi-user.target etc/systemd/system/default.target
  pivot_root . old
  umount -l /old
  # As on a machine: what systemd mounts for a service, such as its credentials, is seen by that service.
  mount --make-rshared /
  exec env -i container=ocsgw-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /usr/lib/systemd/systemd --log-target=journal --show-status=no
  ;;
esac
