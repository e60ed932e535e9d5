import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import {
  checkValueOf,
  IndexKeyDiffers,
  keyDifferences,
  KeyRegister,
} from "../../../src/journal/integrity/key-checks.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { areKeysProven, searchPerson, type Evidence } from "../../../src/journal/search/person-search.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { createRedactor, type IndexKey } from "../../../src/journal/redact.ts";
import { writeStartEntries } from "../../../src/journal/write/start-entries.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { statedKeyChecks } from "../../../src/journal/integrity/stated-key-checks.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

const SECRET = "a key of this site of 32 characters";
const T1: IndexKey = { epoch: "t1", secret: SECRET };
const T2: IndexKey = { epoch: "t2", secret: "another key of it of 32 characters, too" };
const KNOWN = { "the sample's trial key": "for-a-trial-only-not-a-secret-at-all" };
const RULES = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const entriesIn = async (): Promise<Recorded[]> => {
  const entries: Recorded[] = [];
  for await (const entry of readEntries(dir)) entries.push(entry);
  return entries;
};
const statingIn = async (): Promise<[number, string, Record<string, number>][]> =>
  (await entriesIn()).flatMap((entry) =>
    "index_keys" in entry && entry.index_keys
      ? [
          [
            entry.index,
            entry.kind === "config" ? entry.change : entry.kind,
            Object.fromEntries(Object.entries(entry.index_keys).map(([epoch, { from }]) => [epoch, from])),
          ],
        ]
      : [],
  );
const withJournal = async (work: (journal: Journal) => Promise<unknown>, options: object = {}): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os", ...options });
  try {
    await work(journal);
  } finally {
    await journal.close();
  }
};
const asked = (number: number, keys: readonly IndexKey[]) =>
  aDoNotCall(number, { tokens: createRedactor(RULES, keys).tokens("phones", "4155550100", new Map())! });

describe("a check value", () => {
  it("is the HMAC of a text from which no token is made", () => {
    expect(checkValueOf(SECRET)).toBe(
      createHmac("sha256", SECRET).update("ocs-gateway check value of an index key, version 1").digest("hex"),
    );
    const { token } = createRedactor(RULES, SECRET);
    for (const kind of ["phone", "customer_id"] as const)
      expect(token(kind, "ocs-gateway check value of an index key, version 1")).not.toContain(checkValueOf(SECRET));
  });

  it.each<[string, string, string, RegExp]>([
    ["another secret", SECRET, "quite another key of 32 characters", /since entry 7$/],
    [
      "an additional line break",
      SECRET,
      `${SECRET}\n`,
      /line break, blank or byte order mark at an end that the journal's key does not have/,
    ],
    ["an additional Windows line break", SECRET, `${SECRET}\r\n`, /that the journal's key does not have/],
    ["an additional byte order mark", SECRET, `\uFEFF${SECRET}`, /that the journal's key does not have/],
    ["a leading blank", SECRET, ` ${SECRET}`, /that the journal's key does not have/],
    ["a missing line break", `${SECRET}\n`, SECRET, /the journal's key has a line break or blank at its end/],
    [
      "another kind of line break",
      `${SECRET}\r\n`,
      `${SECRET}\n`,
      /the journal's key has a line break or blank at its end/,
    ],
    ["a missing byte order mark", `\uFEFF${SECRET}`, SECRET, /begins with a byte order mark/],
    ["the trial key", SECRET, KNOWN["the sample's trial key"], /it is the sample's trial key; is the variable/],
    [
      "an own key in place of the trial key",
      KNOWN["the sample's trial key"],
      SECRET,
      /the journal's key of this name is the sample's trial key/,
    ],
    ["the secret of another epoch", SECRET, T2.secret as string, /it is the secret of epoch t2/],
    ["other upper and lower case", SECRET, SECRET.toUpperCase(), /since entry 7$/],
  ])("differs for %s", (_, journals, configs, why) => {
    const recorded = { t1: { check: checkValueOf(journals), from: 7 } };
    expect(keyDifferences([{ epoch: "t1", secret: journals }, T2], recorded, KNOWN)).toEqual([]);
    expect(keyDifferences([{ epoch: "t1", secret: configs }, T2], recorded, KNOWN)).toEqual([
      { epoch: "t1", why: expect.stringMatching(why) as string },
    ]);
    expect(new IndexKeyDiffers([{ epoch: "t1", why: "w" }]).message).not.toContain(SECRET);
  });
});

describe("for the check values of index keys, the journal", () => {
  it("states one at the start and repeats it at each later one, with the index from which it is valid", async () => {
    for (const _ of [1, 2])
      await withJournal(async (journal) => {
        journal.keys.use([T1], "h");
        await writeStartEntries(journal, { version: "1", config_hash: "h" });
      });
    expect(await statingIn()).toEqual([
      [0, "start", { t1: 0 }],
      [1, "start", { t1: 0 }],
    ]);
  });

  it("states that of a new key before the first entry after it, alone or in the entry of a reload", async () => {
    await withJournal(async (journal) => {
      journal.keys.use([T1], "h");
      await writeStartEntries(journal, { version: "1" });
      journal.keys.use([T1, T2], "h2");
      for (const entry of asked(1, [T1, T2])) await journal.append(entry);
      journal.keys.use([T1, T2, { epoch: "t3", secret: "a third key of it of 32 characters" }], "h3");
      await journal.append({ kind: "config", config_hash: "h3", change: "reloaded" });
    });
    expect(await statingIn()).toEqual([
      [0, "start", { t1: 0 }],
      [1, "index-keys", { t1: 0, t2: 1 }],
      [4, "reloaded", { t1: 0, t2: 1, t3: 4 }],
    ]);
  });

  it("refuses another secret under a known name, and keeps using the former one", async () => {
    await withJournal(async (journal) => {
      journal.keys.use([T1], "h");
      await writeStartEntries(journal, { version: "1" });
    });
    await withJournal(async (journal) => {
      expect(() => journal.keys.use([{ epoch: "t1", secret: `${SECRET}\n` }], "h")).toThrow(IndexKeyDiffers);
      expect(journal.keys.hasUnstated).toBe(false);
      journal.keys.use([T1], "h");
    });
  });

  it("adopts an older journal without any, and states from which index they are valid", async () => {
    await withJournal(async (journal) => {
      for (const entry of asked(1, [T1])) await journal.append(entry);
    });
    await withJournal(async (journal) => {
      journal.keys.use([T1], "h");
      await journal.append({ kind: "access", user: "somebody", operation: "look-up" });
    });
    expect(await statingIn()).toEqual([[2, "index-keys", { t1: 2 }]]);
  });

  it("states one again if the disk lost it, and never writes a token before it", async () => {
    const trouble = new TroubledDisk();
    await withJournal(
      async (journal) => {
        await writeStartEntries(journal, { version: "1" });
        trouble.break({ code: "ENOSPC", only: /segments write/, times: 1 });
        journal.keys.use([T1], "h");
        await expect(journal.append(asked(1, [T1])[0]!)).rejects.toThrow();
        await expect.poll(() => journal.status().failed).toBe(undefined);
        for (const entry of asked(2, [T1])) await journal.append(entry);
      },
      { disk: trouble.disk },
    );
    const entries = await entriesIn();
    const [stated] = await statingIn();
    expect(stated).toEqual([stated![0], "index-keys", { t1: stated![0] }]);
    expect(stated![0]).toBeLessThan(entries.find(({ kind }) => kind === "intent")!.index);
  });

  it("keeps one when the segments that stated it are deleted", async () => {
    await withJournal(async (journal) => {
      journal.keys.use([T1], "h");
      await writeStartEntries(journal, { version: "1" });
      await journal.append({
        kind: "deleted",
        from: 0,
        to: 0,
        segments: [],
        youngest: "2026-11-22T12:00:00.000000Z",
        dnc: {},
      });
    });
    expect((await statingIn()).at(-1)).toEqual([1, "deleted", { t1: 0 }]);
  });

  it("saves plain values", () => {
    const [register, next] = [new KeyRegister(), new KeyRegister()];
    register.addFromJournal({ t1: { check: checkValueOf(SECRET), from: 3 } });
    next.restore(JSON.parse(JSON.stringify(register.save())) as ReturnType<KeyRegister["save"]>);
    expect(() => next.use([{ epoch: "t1", secret: "quite another key of 32 characters" }], "h")).toThrow(
      IndexKeyDiffers,
    );
    next.use([T1], "h");
    expect(next.hasUnstated).toBe(false);
  });
});

describe("a look-up of a person", () => {
  const look = async (
    keys: readonly IndexKey[],
  ): Promise<{ readonly at: readonly number[]; readonly evidence: Evidence }> => {
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      const { transactions, evidence } = await searchPerson(
        search,
        { person: { kind: "phone", value: "4155550100" }, keys, filter: parseFilter("") },
        { limit: 50 },
      );
      return { at: transactions.map(({ at }) => at), evidence };
    } finally {
      search.close();
    }
  };
  const keysOf = ({ epochs }: Evidence): string[] => epochs.map(({ epoch, key, held }) => `${epoch} ${key} ${held}`);
  const write = (keys: readonly IndexKey[], number = 1): Promise<void> =>
    withJournal(async (journal) => {
      journal.keys.use(keys, "h");
      for (const entry of asked(number, keys)) await journal.append(entry);
    });

  it("is complete with the key that the journal states", async () => {
    await write([T1]);
    const { at, evidence } = await look([T1]);
    expect([at, keysOf(evidence), evidence.complete]).toEqual([[1], ["t1 same true"], true]);
  });

  it("does not search with another secret of the same name, and is not complete", async () => {
    await write([T1]);
    await write([T1, T2], 2);
    const { at, evidence } = await look([{ epoch: "t1", secret: `${SECRET}\n` }, T2]);
    expect([at, keysOf(evidence), evidence.complete, areKeysProven(evidence)]).toEqual([
      [4],
      ["t1 other false", "t2 same true"],
      false,
      false,
    ]);
  });

  it("is refused if no key is the journal's", async () => {
    await write([T1]);
    await expect(look([{ epoch: "t1", secret: "quite another key of 32 characters" }])).rejects.toThrow(
      IndexKeyDiffers,
    );
  });

  it("is not complete if tokens are older than the check value, or if there is none", async () => {
    await withJournal(async (journal) => {
      for (const entry of asked(1, [T1])) await journal.append(entry);
    });
    const before = await look([T1]);
    expect([before.at, keysOf(before.evidence), before.evidence.complete]).toEqual([[0], ["t1 unproven true"], false]);
    await write([T1], 2);
    const { at, evidence } = await look([T1]);
    expect([at, keysOf(evidence), evidence.complete, evidence.epochs[0]!.covered_from]).toEqual([
      [3, 0],
      ["t1 unproven true"],
      false,
      2,
    ]);
  });

  it("calls a key without tokens unused, and a key that the config lacks missing", async () => {
    await write([T1]);
    expect(keysOf((await look([T1, T2])).evidence)).toEqual(["t1 same true", "t2 unused true"]);
    expect(keysOf((await look([T2])).evidence)).toEqual(["t1 missing false", "t2 unused true"]);
  });

  it("finds the check values behind many entries that state none", async () => {
    await write([T1]);
    await withJournal(async (journal) => {
      for (let count = 0; count < 150; count++) journal.note({ kind: "config", config_hash: "h", change: "refused" });
      await journal.head();
    });
    const search = new JournalSearch(dir);
    await search.refresh();
    expect(await statedKeyChecks(search)).toEqual({ t1: { check: checkValueOf(SECRET), from: 0 } });
    search.close();
  });
});
