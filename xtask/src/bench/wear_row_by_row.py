"""The plain way, for comparison: one INSERT and one commit for each answer of 30 devices that
answer once a minute. An hour of it, times 24.

Usage: wear_row_by_row.py STORE, prints the bytes that were handed to the kernel.
"""

import sqlite3
import sys


def written():
    with open("/proc/self/io", encoding="ascii") as counts:
        return int(next(line for line in counts if line.startswith("wchar")).split()[1])


db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE answer (at INTEGER, identity TEXT, monitor TEXT)")
before = written()
for minute in range(60):
    for device in range(30):
        row = (minute * 60 + device * 2, f"mac:b8:27:eb:00:00:{device:02x}", "hub")
        db.execute("INSERT INTO answer VALUES (?, ?, ?)", row)
        db.commit()
db.close()
print((written() - before) * 24)
