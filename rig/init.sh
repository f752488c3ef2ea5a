#!/bin/busybox sh
# The machine's first process, before it has a file system: reaches the host's files, lays a
# throw-away layer over them, and hands over to `guest.sh` there.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do
    $b insmod "/modules/$module" || echo "init: cannot load $module"
done < /modules/order
how=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o ro,cache=loose,$how host /host
$b mount -t tmpfs -o size=50%,mode=755 top /top
$b mkdir /top/upper /top/work
$b mount -t overlay -o lowerdir=/host,upperdir=/top/upper,workdir=/top/work new /new
for it in proc sys dev; do $b mount --move /$it /new/$it; done
$b mount -t tmpfs -o mode=755 run /new/run
$b mount -t tmpfs -o mode=1777 tmp /new/tmp
$b mkdir /new/run/rig
$b mount -t 9p -o rw,cache=none,$how rig /new/run/rig
exec $b switch_root /new /bin/bash /run/rig/guest.sh
