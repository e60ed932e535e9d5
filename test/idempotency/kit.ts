/** Keys without a thread: the real table on a database in memory or in a file. */
import { DatabaseSync } from "node:sqlite";
import { claimWith, type ClaimKey } from "../../src/idempotency/keys.ts";
import { tokensWith } from "../../src/idempotency/key-tokens.ts";
import { openDatabase } from "../../src/idempotency/store/database.ts";
import { KeyTable } from "../../src/idempotency/store/key-table.ts";
import { KeysUnavailable, type KeyStore, type NewKey } from "../../src/idempotency/types.ts";
import type { IndexKeys } from "../../src/journal/redact.ts";

export const INDEX_KEY = "an index key for tests only, 32+";

/** `file`: closed by `close`, as at the end of a process. */
export const tableKeys = (file: string, mostKeys = 1000): KeyStore => {
  const db: DatabaseSync = openDatabase(file);
  const table = new KeyTable(db, mostKeys);
  const running = table.running();
  const whileOpen = <Value>(act: () => Value): Promise<Value> =>
    db.isOpen ? Promise.resolve(act()) : Promise.reject(new KeysUnavailable("closed"));
  return {
    running,
    claim: (key) => whileOpen(() => table.claim(key)),
    settle: (id, end) => whileOpen(() => (table.end(id, end), true)),
    expire: (before, latest) => whileOpen(() => table.expire({ before, latest })),
    pending: () => 0,
    close: () => Promise.resolve(db.close()),
  };
};

export const claimer = (
  store: Pick<KeyStore, "claim" | "settle">,
  position: Partial<Pick<NewKey, "at" | "entry" | "entryTime" | "certain">> = {},
  keys: IndexKeys = INDEX_KEY,
): ClaimKey =>
  claimWith({
    store: () => Promise.resolve(store as KeyStore),
    tokensOf: tokensWith(keys),
    position: () => ({ at: 1_000_000, entry: 0, entryTime: 0, certain: true, ...position }),
  });

export const aKey = (id: string, over: Partial<NewKey> = {}): NewKey => ({
  upstream: "ocs",
  tenant: 101,
  client: "alpha",
  id,
  tokens: [{ token: "t1:a", fingerprint: "f" }],
  at: 1000,
  entry: 7,
  entryTime: 7_000_000,
  certain: true,
  ...over,
});
