"""What others need for the same advertisements and the same private addresses, on one core.

Usage: radio_peers.py decode FILE, with the data of an advertisement in hexadecimal digits a line, or
radio_peers.py resolve.
Prints a name, a tab and how many a second, a line each.
"""

import json
import sys
import time

from bluetooth_data_tools import get_cipher_for_irk, resolve_private_address
from bluetooth_data_tools.gap import _uncached_parse_advertisement_bytes
from bumble import crypto
from bumble.core import AdvertisingData
from TheengsDecoder import decodeBLE

SECONDS = 1.0
KEYS = 100


def measure(name, work, things):
    work(things[0])
    count, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        for thing in things:
            work(thing)
        count += len(things)
    print(f"{name}\t{count / (time.perf_counter() - begun)}")


def message(data):
    """What Theengs Decoder is handed: the two structures that it looks at, each without its head."""
    wanted, at = {"id": "C0:00:00:00:00:01", "rssi": -60}, 0
    while at + 1 < len(data) and data[at] > 0:
        kind, value = data[at + 1], data[at + 2 : at + 1 + data[at]]
        if kind == 0xFF:
            wanted["manufacturerdata"] = value.hex()
        elif kind == 0x16:
            wanted["servicedatauuid"] = value[1::-1].hex()
            wanted["servicedata"] = value[2:].hex()
        at += 1 + data[at]
    return json.dumps(wanted)


def decode(file):
    with open(file, encoding="ascii") as lines:
        heard = [bytes.fromhex(line) for line in lines if line.strip()]
    measure("bluetooth-data-tools", _uncached_parse_advertisement_bytes, heard)
    measure("bumble", AdvertisingData.from_bytes, heard)
    measure("TheengsDecoder", decodeBLE, [message(it) for it in heard])


def resolve():
    keys = [bytes([it]) * 16 for it in range(KEYS)]
    # Home Assistant keeps them.
    ciphers = [get_cipher_for_irk(it) for it in keys]
    address = "4A:11:22:33:44:55"
    measure("bluetooth-data-tools", lambda it: resolve_private_address(it, address), ciphers)
    measure("bumble", lambda it: crypto.ah(it, b"\x4a\x11\x22"), keys)


{"decode": decode, "resolve": resolve}[sys.argv[1]](*sys.argv[2:])
