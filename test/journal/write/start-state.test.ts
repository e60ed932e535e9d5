/**
 * A start goes on from the newest start state that the files bear out, and knows what it would know had it read every
 * line.
 */
import { cp, readFile, readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { readCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { PARTS, copyOf, readState, signState, stateText } from "../../../src/journal/write/start-state.ts";
import { thinStates } from "../../../src/journal/states.ts";
import { RecoveryScan } from "../../../src/journal/write/recovery/recovery-scan.ts";
import { createTree, leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aKey,
  aQuickDirectory,
  aRefusal,
  anIntent,
  anOutcome,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
} from "../kit.ts";

const key = aKey();
let dir: string;
beforeEach(async () => {
  dir = await aQuickDirectory();
});
afterEach(() => removeDirectory(dir));

const statesOf = async (): Promise<string[]> =>
  (await readdir(join(dir, "states"))).filter((name) => !name.endsWith(".tmp")).toSorted();
const statePath = (size: number): string => join(dir, "states", String(size).padStart(12, "0"));
const checkpointPath = (size: number): string => join(dir, "checkpoints", String(size).padStart(12, "0"));
const segmentPath = (first: number, ending = "jsonl"): string =>
  join(dir, "segments", `${String(first).padStart(12, "0")}.${ending}`);

/** Segments of three entries, states at 4 and 8, and three lines above the last one. */
const aHistory = async (): Promise<void> => {
  const { journal, checkpoints } = await openWithCheckpoints(dir, key, { segmentBytes: 1000 });
  for (let number = 0; number < 11; number++) {
    await journal.append(number % 3 === 2 ? anOutcome(anIntent(number - 1).id) : anIntent(number));
    if (number === 3 || number === 7) await checkpoints.write();
  }
  await journal.close();
  expect(await statesOf()).toEqual(["000000000004", "000000000008"]);
};

type Opened = {
  readonly size: number;
  readonly root: string;
  readonly open: readonly string[];
  readonly next: number;
  readonly begun: Journal["openedFrom"];
};

/** What a start on a copy knows; `next`: the number that the next Do-Not-Call gets. */
const opened = async (
  options: Partial<Parameters<typeof openJournal>[0]> = { states: { key, origin: ORIGIN } },
): Promise<Opened> => {
  const copy = `${dir}.copy`;
  await cp(dir, copy, { recursive: true });
  try {
    const entries: Entry[] = [];
    const journal = await openJournal({
      dir: copy,
      durability: "os",
      written: (entry) => entries.push(entry),
      ...options,
    });
    const { size, root } = await journal.head();
    await journal.append(anIntent(99));
    await journal.close();
    const [last] = entries;
    return {
      size,
      root,
      open: [...journal.unsettled.keys()],
      next: last?.kind === "intent" ? last.dnc! : -1,
      begun: journal.openedFrom,
    };
  } finally {
    await removeDirectory(copy);
  }
};

const withoutStates = (): Promise<Opened> => opened({});

const change = async (path: string, from: string, to: string): Promise<void> => {
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
};

describe("a start from a state", () => {
  it("reads only the lines above it, and knows the same as from all lines", async () => {
    await aHistory();
    const { begun, ...known } = await opened();
    const { begun: whole, ...all } = await withoutStates();
    expect(begun).toEqual({ at: 8, rejectedStates: [], beside: {} });
    expect(whole).toEqual({ at: 0, rejectedStates: [], beside: {} });
    expect(known).toEqual(all);
    expect(known).toMatchObject({ size: 11, next: 9, open: [0, 3, 6, 9, 10].map((number) => anIntent(number).id) });
  });

  it("opens no segment below it", async () => {
    await aHistory();
    const read: string[] = [];
    const disk = {
      ...nodeDisk,
      open: (path: string, how: Parameters<typeof nodeDisk.open>[1]) => {
        read.push(path);
        return nodeDisk.open(path, how);
      },
    };
    const journal = await openJournal({ dir, durability: "os", disk, states: { key, origin: ORIGIN } });
    await journal.close();
    expect(read.filter((path) => path.endsWith(".jsonl"))).toEqual([segmentPath(6), segmentPath(9), segmentPath(9)]);
    expect(read.filter((path) => path.includes("/checkpoints/"))).toEqual([checkpointPath(8), checkpointPath(8)]);
  });

  it("leaves a journal that verifies, over many starts and states", async () => {
    let vkey = "";
    for (let run = 0; run < 6; run++) {
      const { journal, checkpoints, close } = await openWithCheckpoints(dir, key, { segmentBytes: 1000 });
      vkey = checkpoints.verifierKey;
      expect(journal.openedFrom).toEqual({ at: 5 * run, rejectedStates: [], beside: {} });
      for (let number = 0; number < 4; number++) await journal.append(anIntent(10 * run + number));
      await journal.append(aRefusal(run));
      await close();
    }
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      findings: [],
      entries: 30,
      uncovered: 0,
      dnc: { 101: 24 },
    });
  });

  it("works if the state's segment was compressed since", async () => {
    await aHistory();
    const { begun: _begun, ...all } = await withoutStates();
    await compressSegments({ journal: { dir, disk: nodeDisk }, after: 0 });
    expect((await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".zst"))).toHaveLength(3);
    const { begun, ...known } = await opened();
    expect(known).toEqual(all);
    expect(begun).toMatchObject({ at: 8, rejectedStates: [] });
  });

  it("cuts a torn last line above it, also directly after it", async () => {
    await aHistory();
    const last = segmentPath(9);
    const whole = await readFile(last);
    await writeFile(last, whole.subarray(0, -20));
    expect(await opened()).toMatchObject({ size: 10, begun: { at: 8 } });
    const { close } = await openWithCheckpoints(dir, key);
    await close();
    const path = segmentPath(9);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('{"index":10,"ti')]));
    expect(await opened()).toMatchObject({ size: 10, begun: { at: 10, rejectedStates: [], beside: {} } });
  });

  it("is not required: without one, every line is read and reported so", async () => {
    await aHistory();
    await rm(join(dir, "states"), { recursive: true });
    expect(await opened()).toMatchObject({ size: 11, begun: { at: 0, rejectedStates: [], beside: {} } });
  });

  it("uses an older state if the newest checkpoint has none, and reports no unusable state", async () => {
    await aHistory();
    await rm(statePath(8));
    expect(await opened()).toMatchObject({ size: 11, begun: { at: 4, rejectedStates: [], beside: {} } });
  });
});

describe("a value saved with the start state", () => {
  it("is restored as it was at the state, and the later entries are given", async () => {
    let count = 0;
    const { journal, close } = await openWithCheckpoints(dir, key, {
      written: () => {
        count++;
      },
      beside: { count: () => ({ count }), unknown: () => null },
    });
    for (let number = 0; number < 5; number++) await journal.append(anIntent(number));
    await close();
    const again = await openWithCheckpoints(dir, key);
    expect(again.journal.openedFrom).toEqual({
      at: 5,
      rejectedStates: [],
      beside: { count: { count: 5 }, unknown: null },
    });
    await again.close();
  });
});

describe("a state that cannot be used is passed over, with the reason:", () => {
  const forged = async (): Promise<void> => {
    const text = (await readFile(statePath(8), "utf8")).split("\n\n— ")[0]!;
    await writeFile(statePath(8), signState(`${text}\n`, { origin: ORIGIN, key: aKey() }));
  };
  const resigned = async (edit: (text: string) => string): Promise<void> => {
    const text = (await readFile(statePath(8), "utf8")).split("\n\n— ")[0]!;
    await writeFile(statePath(8), signState(`${edit(text)}\n`, { origin: ORIGIN, key }));
  };
  const cases: readonly (readonly [what: string, damage: () => Promise<void>, reason: RegExp])[] = [
    ["one that is cut", () => truncate(statePath(8), 100), /not signed by the config's checkpoint key/],
    ["an empty one", () => truncate(statePath(8), 0), /not signed/],
    ["one with a changed byte", () => change(statePath(8), '"segment":6', '"segment":5'), /not signed/],
    [
      "one that another key signed",
      forged,
      /not signed by the config's checkpoint key: the key was replaced, or the file was changed/,
    ],
    [
      "one of another origin",
      async () =>
        writeFile(
          statePath(8),
          signState((await readFile(statePath(8), "utf8")).split("\n\n— ")[0]! + "\n", { origin: "other/log", key }),
        ),
      /not signed/,
    ],
    ["an older one under a newer name", async () => cp(statePath(4), statePath(8)), /it is of 4 entries/],
    ["a checkpoint in its place", async () => cp(checkpointPath(8), statePath(8)), /another version wrote it/],
    [
      "one of another version",
      () => resigned((text) => text.replace("format 1", "format 9")),
      /another version wrote it/,
    ],
    [
      "one that lacks a part",
      () => resigned((text) => text.replace('"dnc-numbers"', '"dnc-digits"')),
      /it has no part dnc-numbers/,
    ],
    [
      "one whose frontier is another tree's",
      () => resigned((text) => text.replace(/"frontier":\["[^"]{43}=/, `"frontier":["${"A".repeat(43)}=`)),
      /its root does not match its frontier/,
    ],
    [
      "one whose frontier has too many roots",
      () => resigned((text) => text.replace(/"frontier":\[("[^"]+")/, '"frontier":[$1,$1')),
      /a tree of 8 entries has other subtrees/,
    ],
    ["one whose checkpoint is gone", () => rm(checkpointPath(8)), /the checkpoint of the same size is missing/],
    [
      "one that says that its segment is longer",
      () => resigned((text) => text.replace(/"bytes":\d+/, '"bytes":99999')),
      /000000000006\.jsonl has \d+ bytes, and had 99999/,
    ],
    [
      "one that ends within a line",
      () => resigned((text) => text.replace(/"bytes":(\d+)/, (_, bytes) => `"bytes":${Number(bytes) - 7}`)),
      /000000000006\.jsonl has another line where it ends/,
    ],
    [
      "one that ends with an earlier line",
      async () => {
        const [line] = (await readFile(segmentPath(6), "utf8")).split("\n");
        await resigned((text) => text.replace(/"bytes":\d+/, `"bytes":${Buffer.byteLength(line!) + 1}`));
      },
      /has another line where it ends/,
    ],
    [
      "one whose segment has fewer leaf hashes",
      () => truncate(segmentPath(6, "hashes"), 40),
      /the leaf hashes of 000000000006\.jsonl end before it/,
    ],
    [
      "one that knows of more segments",
      () => resigned((text) => text.replace('"segments":3', '"segments":4')),
      /there were 4 segments, but there are leaf hashes of 3/,
    ],
    ["one when a segment below has no leaf hashes", () => rm(segmentPath(3, "hashes")), /a segment has no leaf hashes/],
  ];

  it.each(cases)("%s", async (_what, damage, reason) => {
    await aHistory();
    const { begun: _begun, ...all } = await withoutStates();
    await damage();
    const { begun, ...known } = await opened();
    expect(known).toEqual(all);
    expect(begun.rejectedStates[0]).toEqual({ size: 8, reason: expect.stringMatching(reason) });
    expect(begun.at).toBeLessThan(8);
  });

  it("every state is damaged, so every line is read", async () => {
    await aHistory();
    for (const size of [4, 8]) await truncate(statePath(size), 10);
    expect((await opened()).begun).toEqual({
      at: 0,
      rejectedStates: [8, 4].map((size) => ({ size, reason: expect.stringMatching(/not signed/) })),
      beside: {},
    });
  });

  it("a state with any of its bytes changed", async () => {
    await aHistory();
    const whole = await readFile(statePath(8));
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      expect(() => readState(flipped.toString(), { key, origin: ORIGIN }), `byte ${at}`).toThrow();
      expect(() => readState(whole.subarray(0, at).toString(), { key, origin: ORIGIN }), `${at} bytes`).toThrow();
    }
    expect(readState(whole.toString(), { key, origin: ORIGIN })).toMatchObject({ size: 8, segment: 6 });
  });
});

describe("a start from a state refuses what a start from the first line refuses:", () => {
  const cases: readonly (readonly [what: string, damage: () => Promise<void>, message: RegExp])[] = [
    [
      "a segment that is missing below it",
      () => rm(segmentPath(3)),
      /000000000003\.jsonl is missing, with the entries 3 to 5, and no entry says that it was set aside/,
    ],
    [
      "the first segments missing, with their leaf hashes",
      async () => {
        for (const ending of ["jsonl", "hashes"]) await rm(segmentPath(0, ending));
      },
      /000000000003\.jsonl: the journal before it is empty/,
    ],
    [
      "a segment and its leaf hashes missing",
      async () => {
        for (const ending of ["jsonl", "hashes"]) await rm(segmentPath(3, ending));
      },
      /000000000006\.jsonl: the journal before it ends with index 2/,
    ],
    ["its own segment cut below it", () => truncate(segmentPath(6), 30), /000000000006\.jsonl/],
    [
      "its checkpoint with another root",
      async () => {
        const note = await readFile(checkpointPath(8), "utf8");
        await writeFile(checkpointPath(8), note.replace(/\n[^\n]{43}=\n/, `\n${"A".repeat(43)}=\n`));
      },
      /the first 8 entries, up to line 2 of 000000000006\.jsonl, do not have the root that checkpoint 8 signed/,
    ],
    [
      "a checkpoint above it with another root",
      async () => {
        const note = await readFile(checkpointPath(8), "utf8");
        await writeFile(checkpointPath(10), note.replace("\n8\n", "\n10\n"));
      },
      /do not have the root that checkpoint 10 signed/,
    ],
  ];
  it.each(cases)("%s", async (_what, damage, message) => {
    await aHistory();
    await damage();
    await expect(opened()).rejects.toThrow(message);
  });
});

describe("checkpoints that were published elsewhere", () => {
  const published = async (size: number, root?: Uint8Array) => ({
    ...readCheckpoint(await readFile(checkpointPath(size), "utf8"))!,
    ...(root && { root }),
  });
  it("confirm a state if the newest covers as many entries", async () => {
    await aHistory();
    const both = [await published(4), await published(8)];
    expect((await opened({ states: { key, origin: ORIGIN }, published: both })).begun.at).toBe(8);
  });

  it("that end below a state make an older one be used, and its lines are compared with them", async () => {
    await aHistory();
    const found = await opened({ states: { key, origin: ORIGIN }, published: [await published(4)] });
    expect(found.begun).toEqual({
      at: 4,
      rejectedStates: [
        {
          size: 8,
          reason: "the newest checkpoint in the checkpoint sinks covers only 4 entries, so the lines after it are read",
        },
      ],
      beside: {},
    });
  });

  it.each([4, 8, 10])("contradict a state's journal at size %i", async (size) => {
    await aHistory();
    const other = { origin: ORIGIN, size, root: new Uint8Array(32).fill(7) };
    await expect(opened({ states: { key, origin: ORIGIN }, published: [other] })).rejects.toThrow(/published|root/);
  });

  it("refuse a journal that ends before them", async () => {
    await aHistory();
    await expect(
      opened({ states: { key, origin: ORIGIN }, published: [{ ...(await published(8)), size: 20 }] }),
    ).rejects.toThrow(/covers 20 entries, the journal ends with index 10/);
  });
});

describe("the parts of a state", () => {
  const entries: readonly Entry[] = [
    anIntent(1),
    { ...anIntent(2), dnc: 7 },
    anOutcome(anIntent(1).id),
    { ...anIntent(3), tenant: { dbid: 102, name: "Beta Tenant" }, dnc: 4 },
    { kind: "start", format: 2, version: "1", pid: 1, index_keys: { k1: { check: "ab", from: 4 } } },
    { kind: "config", config_hash: "c", change: "revoked", revocation: { kind: "key", id: "k7", until: null } },
    { kind: "deleted", from: 0, to: 3, segments: [], youngest: "2026-11-22T12:04:31.218123Z", dnc: { 103: 9 } },
    {
      kind: "set-aside",
      from: 3,
      to: 6,
      files: [],
      damage: "it is missing",
      intact: 0,
      oldest: null,
      youngest: null,
      lost: null,
      user: "dana",
      before: [{ from: 1, to: 2, by: 4 }],
    },
    {
      kind: "clock",
      from: "2026-11-22T12:04:31.218123Z",
      to: "2032-11-22T12:04:31.218123Z",
      step_ms: 189_388_800_000,
      unconfirmed: true,
    },
  ];
  const known = (): RecoveryScan => {
    const trail = new RecoveryScan();
    entries.forEach((entry, index) => trail.take(entry, index));
    return trail;
  };

  it("have the same values after the state was restored", () => {
    const trail = known();
    const restored = readState(signState(stateText({ ...aTree(), trail }, ORIGIN), { key, origin: ORIGIN }), {
      key,
      origin: ORIGIN,
    }).trail;
    expect(PARTS.length).toBeGreaterThanOrEqual(3);
    for (const { name, save } of PARTS) {
      expect(save(trail), name).not.toEqual(save(new RecoveryScan()));
      expect(save(restored), name).toEqual(save(trail));
      expect(save(copyOf(trail)), name).toEqual(save(trail));
    }
  });

  it("of a copy change independently of the original", () => {
    const trail = known();
    const before = PARTS.map(({ save }) => JSON.stringify(save(trail)));
    const copy = copyOf(trail);
    copy.take({ ...anIntent(50), dnc: 70 }, 50);
    copy.take(
      { kind: "deleted", from: 3, to: 9, segments: [], youngest: "2026-11-22T12:04:31.218123Z", dnc: { 104: 1 } },
      51,
    );
    expect(PARTS.map(({ save }) => JSON.stringify(save(trail)))).toEqual(before);
  });

  const aTree = () => {
    const tree = createTree();
    const leaf = leafHash(Buffer.from("x"));
    tree.append(leaf);
    return { size: 1, tree, leaf, segment: 0, bytes: 2, segments: 1, beside: {} };
  };
});

describe("start states", () => {
  it("are kept: the newest three, and the last of each day of a week", async () => {
    await aHistory();
    const now = Date.parse("2026-11-22T12:00:00Z");
    const days = [20, 5, 5, 5, 2, 1, 0, 0, 0, 0];
    for (const [at, day] of days.entries()) {
      await writeFile(statePath(100 + at), "x");
      const written = new Date(now - day * 86_400_000 + at * 1000);
      await utimes(statePath(100 + at), written, written);
    }
    for (const size of [4, 8]) await rm(statePath(size));
    await thinStates({ disk: nodeDisk, dir }, now);
    expect(await statesOf()).toEqual([103, 104, 105, 106, 107, 108, 109].map((size) => String(size).padStart(12, "0")));
  });

  it("that cannot be written leave the checkpoint unchanged", async () => {
    await writeFile(join(dir, "states"), "a file where the directory should be");
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, key).catch(async () => {
      // The names cannot be listed either.
      await rm(join(dir, "states"));
      const opened_ = await openWithCheckpoints(dir, key);
      await writeFile(join(dir, "states"), "x");
      return opened_;
    });
    await journal.append(anIntent(0));
    await checkpoints.write();
    expect(checkpoints.last().size).toBe(1);
    await close();
    expect(await segmentsOf(dir)).toHaveLength(1);
    expect(await verifyJournal(dir, { vkey: checkpoints.verifierKey })).toMatchObject({ verdict: "ok", uncovered: 0 });
  });
});
