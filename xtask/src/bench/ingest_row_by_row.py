"""The plain way, for comparison: a fact file, parsed, and one INSERT for each fact.

Usage: ingest_row_by_row.py FACTS STORE, prints the seconds that it took.
"""

import json
import sqlite3
import sys
import time

facts, store = sys.argv[1:3]
begun = time.perf_counter()
db = sqlite3.connect(store)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE fact (at TEXT, identity TEXT, monitor TEXT, rssi INTEGER)")
with open(facts, encoding="utf-8") as lines:
    for count, line in enumerate(lines, 1):
        fact = json.loads(line)
        if "id" in fact:
            row = (fact["t"], fact["id"], fact["monitor"], fact.get("rssi"))
            db.execute("INSERT INTO fact VALUES (?, ?, ?, ?)", row)
        if count % 16_384 == 0:
            db.commit()
db.commit()
db.close()
print(time.perf_counter() - begun)
