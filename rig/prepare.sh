#!/usr/bin/env bash
# Fills a folder with what the machine starts from: Debian's kernel and a first file system of
# busybox, `init.sh` and the modules that the machine uses. Nothing is installed on this machine; the
# kernel is fetched as a package and unpacked. With everything there already it takes a moment.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-$here/../target/rig}

# Kernels that page an absent device without falling over it, the best known first (see README.md).
sound=(6.1.0-50-amd64 6.1.0-47-amd64 6.1.0-53-amd64)
# For the way to the host's files and to the caller.
first=(virtio_pci 9p 9pnet_virtio overlay virtio_console)
# For Bluetooth: the ciphers of its security manager, which the kernel would otherwise ask modprobe
# for, each before what is built from it and is tried as it is loaded; the virtual controller, sockets.
bluetooth=(sha256_generic sha512_generic hmac ctr ecb cmac ccm jitterentropy_rng drbg
           algif_hash algif_skcipher hci_vhci rfcomm bnep uhid)

kernel=
for it in "${sound[@]}"; do
    if [[ -n $(apt-cache show "linux-image-$it" 2>/dev/null) ]]; then kernel=$it; break; fi
done
if [[ -z $kernel ]]; then
    kernel=$(apt-cache depends linux-image-amd64 2>/dev/null |
        sed -n 's/.*Depends: linux-image-\([0-9].*\)/\1/p' | head -n 1)
    [[ -z $kernel ]] || echo "warning: none of the kernels known as sound is on offer: $kernel" >&2
fi

# What was made is good as long as it would be made the same way.
recipe="$kernel $(cat "$0" "$here/init.sh" | sha256sum | cut -d ' ' -f 1)"
if [[ -e $into/recipe && ( -z $kernel || $(<"$into/recipe") == "$recipe" ) ]]; then exit 0; fi
if [[ -z $kernel ]]; then
    echo "error: no kernel package is on offer: linux-image-amd64" >&2
    echo "hint: apt-get update" >&2
    exit 1
fi

mkdir -p "$into"
work=$(mktemp -d "$into/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# Fetched as whoever runs this: apt's own user may not write here.
apt-get -q -o APT::Sandbox::User=root download "linux-image-$kernel" > /dev/null
dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --wildcards ./boot/vmlinuz-\* \
    ./lib/modules/\*/modules.\* ./lib/modules/\*/kernel/{arch,crypto,fs,lib,net}/\* \
    ./lib/modules/\*/kernel/drivers/{bluetooth,char,hid,virtio}/\*
depmod -b . "$kernel" 2> /dev/null

files=initramfs
mkdir -p "$files"/{bin,dev,host,modules,new,proc,sys,top}
cp "$(PATH=$PATH:/bin:/usr/bin command -v busybox)" "$files/bin/"
install -m 755 "$here/init.sh" "$files/init"
# In the order in which they can be loaded, each after what it needs.
for module in "${first[@]}" "${bluetooth[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin modprobe -d "$PWD" -S "$kernel" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > order
while read -r module; do
    cp "$module" "$files/modules/"
    basename "$module"
done < order > "$files/modules/order"
# Not compressed: unpacking costs more than reading where every instruction is emulated.
(cd "$files" && find . | cpio -o -H newc --quiet) > initramfs.img

# The kernel as it is inside its packing starts 3 s sooner, for the same reason.
cp "boot/vmlinuz-$kernel" kernel
at=$(LC_ALL=C grep -aboP '\xfd7zXZ\x00' kernel | head -n 1 | cut -d : -f 1 || true)
if [[ -n $at ]]; then
    tail -c +$((at + 1)) kernel | xz -dc --single-stream > unpacked 2> /dev/null || true
    # The four bytes that an executable begins with.
    if [[ $(head -c 4 unpacked | od -An -tx1) == ' 7f 45 4c 46' ]]; then mv unpacked kernel; fi
fi
mv kernel initramfs.img "$into/"
echo "$recipe" > "$into/recipe"
echo "rig: $kernel is ready in $into"
