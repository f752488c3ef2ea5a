#!/bin/bash
# The machine's first process once it sees the host's files: starts D-Bus, bluetoothd and the
# virtual controller, runs the command, leaves its exit status for the host and switches off.
# Ends only by switching off: the kernel does not survive its first process.
export PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp LANG=C.UTF-8
. /run/rig/settings

mkdir -p /dev/pts /dev/shm /run/bin /run/dbus /run/lock
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
ip link set lo up
hostname rig

dbus-daemon --system --fork --nopidfile
# Nothing that the host has paired is known here.
mkdir -p /var/lib/bluetooth
mount -t tmpfs -o mode=700 bluetooth /var/lib/bluetooth
/usr/libexec/bluetooth/bluetoothd --nodetach $RIG_BLUETOOTHD > /run/bluetoothd.log 2>&1 &
ln -s "$RIG_RADIO" /run/bin/radio
radio serve > /run/radio.log 2>&1 &

cd "$RIG_FOLDER" || cd /
if [[ $RIG_TERMINAL == yes ]]; then
    caller=/dev/hvc0
    stty rows "$RIG_ROWS" cols "$RIG_COLUMNS" < $caller
    setsid --ctty --wait bash /run/rig/command < $caller > $caller 2>&1
else
    for caller in /dev/vport*p1; do break; done
    # Opened once: the port has room for one reader.
    exec 3<> "$caller"
    bash /run/rig/command <&3 >&3 2>&3
fi
echo $? > /run/rig/status.new
dmesg > /run/rig/dmesg
cp /run/bluetoothd.log /run/radio.log /run/rig/
mv /run/rig/status.new /run/rig/status
echo o > /proc/sysrq-trigger
exec sleep 60
