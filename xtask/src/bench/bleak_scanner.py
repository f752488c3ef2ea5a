"""What bleak calls back: the first advertisement of each address with its time, and how many in all."""

import asyncio
import signal
import time

from bleak import BleakScanner


async def main() -> None:
    heard = 0
    known = set()

    def take(device, _advertisement) -> None:
        nonlocal heard
        at = time.time()
        heard += 1
        if device.address not in known:
            known.add(device.address)
            print(f"first\t{at:.6f}\t{device.address}", flush=True)

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with BleakScanner(take):
        await ended.wait()
        print(f"heard\t{heard}", flush=True)


asyncio.run(main())
