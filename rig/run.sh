#!/usr/bin/env bash
# run.sh [--logs FOLDER] [COMMAND...]: boots the machine, runs COMMAND in it (a shell if none is
# given) with this program's input and output, and ends with its exit status. 125 is a machine that
# ended without one. Where and with what it runs is told by the environment:
#   RIG         the folder that prepare.sh filled   (target/rig)
#   RIG_RADIO   the program of the virtual controller (target/debug/radio)
#   RIG_BLUETOOTHD  options for bluetoothd, such as --experimental
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rig=${RIG:-$here/../target/rig}
radio=$(realpath "${RIG_RADIO:-$here/../target/debug/radio}")
logs=
if [[ ${1:-} == --logs ]]; then logs=$2; shift 2; fi
[[ $# -gt 0 ]] || set -- bash --noprofile --norc -i
if [[ ! -e $rig/recipe ]]; then
    echo "error: the machine is not prepared: $rig" >&2
    echo "hint: cargo xtask check --job install" >&2
    exit 125
fi

share=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$share"' EXIT
cp "$here/guest.sh" "$share/"
{ printf 'exec'; printf ' %q' "$@"; echo; } > "$share/command"
terminal=no rows=24 columns=80
if [[ -t 0 && -t 1 ]]; then
    terminal=yes
    read -r rows columns < <(stty size)
fi
{
    printf 'RIG_RADIO=%q\nRIG_FOLDER=%q\n' "$radio" "$PWD"
    printf 'RIG_BLUETOOTHD=%q\n' "${RIG_BLUETOOTHD:-}"
    printf 'RIG_TERMINAL=%q\nRIG_ROWS=%q\nRIG_COLUMNS=%q\n' "$terminal" "$rows" "$columns"
    printf 'export TERM=%q\n' "${TERM:-dumb}"
} > "$share/settings"

# A terminal is a console in there too; anything else is a plain stream of bytes, which must not end
# before the machine does: it would wait for somebody to read what it says.
if [[ $terminal == yes ]]; then
    port=virtconsole,chardev=caller
else
    port=virtserialport,chardev=caller,name=caller
    mkfifo "$share/input"
    exec 3<> "$share/input"
    cat <&0 >&3 3>&- &
    exec <&3 3>&-
fi
qemu-system-x86_64 -accel tcg,thread=multi -cpu max -M q35 -smp 2 -m 1024 \
    -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$rig/kernel" -initrd "$rig/initramfs.img" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check" \
    -serial "file:$share/console" \
    -chardev stdio,id=caller,signal=off -device virtio-serial-pci -device "$port" \
    -virtfs local,path=/,mount_tag=host,readonly=on,security_model=none,multidevs=remap \
    -virtfs "local,path=$share,mount_tag=rig,security_model=none" \
    -device virtio-rng-pci || true

if [[ -n $logs ]]; then
    mkdir -p "$logs"
    for it in console dmesg bluetoothd.log radio.log; do
        [[ ! -e $share/$it ]] || cp "$share/$it" "$logs/"
    done
fi
if [[ -e $share/status ]]; then exit "$(<"$share/status")"; fi
echo "error: the machine ended without a word; its console ends so:" >&2
tail -n 30 "$share/console" >&2 || true
exit 125
