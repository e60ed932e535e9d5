/**
 * Nothing is signed unchecked: what was signed before, kept outside the directory, is held against it by whoever opens
 * it to write.
 */
import { existsSync } from "node:fs";
import { appendFile, chmod, cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KeyObject } from "node:crypto";
import { acceptRestore, type Accepted } from "../../../src/journal/integrity/accept-restore.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { nodeDisk, type Disk } from "../../../src/journal/disk.ts";
import type { Trust } from "../../../src/journal/integrity/signed-evidence.ts";
import {
  linesBehindRoot,
  readCheckpoint,
  signCheckpoint,
  verifierKey,
} from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { openChecked } from "../../../src/journal/write/open-checked.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { appendChecksum } from "../../../src/journal/integrity/line-checksum.ts";
import { JournalDamaged } from "../../../src/journal/errors.ts";
import { checkpointSink } from "../../../src/journal/integrity/checkpoints/checkpoint-sink.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aDirectory,
  aJournal,
  aKey,
  aQuickDirectory,
  anIntent,
  checkpointsOf,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";
import { patternOf } from "../../kit/pattern.ts";

const key = aKey();
const thief = aKey();
let root: string;
/** Whether the config names a checkpoint sink. */
let publishes = false;
beforeEach(async () => {
  root = await aDirectory();
  publishes = false;
});
afterEach(() => removeDirectory(root));

const dir = (): string => join(root, "audit");
const anchor = (): string => join(root, "audit.anchor");
const elsewhere = () => checkpointSink({ kind: "file", path: join(root, "elsewhere.txt") });
const published = async (): Promise<Trust["published"]> =>
  !publishes ? [] : [{ name: elsewhere().name, notes: await elsewhere().published() }];
const trust = async (signing: KeyObject = key): Promise<Trust> => ({
  key: signing,
  origin: ORIGIN,
  anchor: anchor(),
  published: await published(),
});

type Run = {
  readonly entries?: number;
  readonly signing?: KeyObject;
  readonly disk?: Disk;
  readonly publish?: boolean;
};

/** One run as the gateway has it: opened, so many intents, a checkpoint, closed. Gives what it warned of. */
const run = async ({ entries = 3, signing = key, disk = nodeDisk, publish = false }: Run = {}): Promise<
  readonly string[]
> => {
  publishes ||= publish;
  const {
    journal,
    anchor: kept,
    warnings,
  } = await openChecked({ dir: dir(), durability: "flush", disk, segmentBytes: 1500 }, await trust(signing));
  const notes: string[] = [];
  try {
    const checkpoints = await createCheckpoints(journal, {
      key: signing,
      origin: ORIGIN,
      everyMs: 3_600_000,
      anchor: kept,
      publish: (note) => notes.push(note),
    });
    for (let number = 0; number < entries; number++) await journal.append(anIntent(number));
    await checkpoints.stop();
  } finally {
    await journal.close();
  }
  if (publish) for (const note of notes) await elsewhere().deliver(note);
  return warnings;
};
const anchored = async (): Promise<number | undefined> => readCheckpoint(await readFile(anchor(), "utf8"))?.size;
const damaged = async (signing?: KeyObject): Promise<string> => {
  const before = await segmentsOf(dir()).catch(() => []);
  const error = await run(signing ? { signing } : {}).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JournalDamaged);
  expect((error as Error).message).toMatch(
    /Nothing is signed\. ocsgw audit verify -c FILE shows what is wrong; .* ocsgw audit accept-restore -c FILE$/,
  );
  expect(await segmentsOf(dir())).toEqual(before);
  return (error as Error).message;
};
const copy = (name: string): Promise<void> => cp(dir(), join(root, name), { recursive: true });
const putBack = async (name: string): Promise<void> => {
  await removeDirectory(dir());
  await rename(join(root, name), dir());
};

it("a command that asks no witness passes on the cosigned sizes, until the gateway replaces them", async () => {
  const sizes = async (entries: number, save?: () => unknown): Promise<unknown> => {
    const beside = save && { witnesses: save };
    const { journal, anchor: kept } = await openChecked({ dir: dir(), durability: "flush", beside }, await trust());
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000, anchor: kept });
    for (let number = 0; number < entries; number++) await journal.append(anIntent(number));
    await checkpoints.stop();
    await journal.close();
    return journal.openedFrom.beside["witnesses"];
  };
  await sizes(2, () => ({ "w+1": 2 }));
  expect([await sizes(1), await sizes(1), await sizes(1, () => ({ "w+1": 4 })), await sizes(0)]).toEqual([
    { "w+1": 2 },
    { "w+1": 2 },
    { "w+1": 2 },
    { "w+1": 4 },
  ]);
});

describe("the anchor", () => {
  it("is created before the first entry, follows each checkpoint, and lists the keys that signed", async () => {
    await run({ entries: 0 });
    expect(await anchored()).toBe(0);
    await run();
    expect(await anchored()).toBe(3);
    await run({ signing: aKey() });
    const text = await readFile(anchor(), "utf8");
    expect([readCheckpoint(text)?.size, linesBehindRoot(text).length, linesBehindRoot(text)[0]]).toEqual([
      6,
      2,
      `key ${verifierKey(ORIGIN, key)}`,
    ]);
    expect((await stat(anchor())).mode & 0o777).toBe(0o600);
    expect((await readdir(root)).toSorted()).toEqual(["audit", "audit.anchor"]);
  });

  it("is created from the last checkpoint of a journal that has none yet, with a report", async () => {
    await aJournal(dir(), key, { size: 5, checkpointsAt: [2, 4] });
    expect(await run({ entries: 0 })).toEqual([
      expect.stringContaining("it is new, or it was removed. It is made of checkpoint 4"),
    ]);
    expect(await anchored()).toBe(5);
    expect(await run()).toEqual([]);
  });

  it("lists the new key as well when it signs checkpoints", async () => {
    await run();
    const other = aKey();
    expect(await run({ signing: other })).toEqual([expect.stringContaining("signed by another key than before")]);
    expect(await run({ signing: other })).toEqual([]);
  });

  it("that cannot be written prevents a start, and the error says where it should be", async () => {
    await mkdir(anchor());
    await expect(run()).rejects.toThrow(
      /the anchor .*audit\.anchor cannot be read|\(audit\.checkpoint\.anchor\) cannot be written/,
    );
    await rm(anchor(), { recursive: true });
    const disk: Disk = {
      ...nodeDisk,
      rename: (from, to) =>
        to === anchor()
          ? Promise.reject(Object.assign(new Error("EROFS: read-only file system, rename"), { code: "EROFS" }))
          : nodeDisk.rename(from, to),
    };
    await expect(run({ disk })).rejects.toThrow(
      /the anchor .*audit\.anchor \(audit\.checkpoint\.anchor\) cannot be written: the file system is read-only$/,
    );
    expect(await run()).toEqual([]);
  });

  it("that cannot be written later stops nothing, is reported once, and is updated afterwards", async () => {
    let fails = false;
    const reasons: (string | undefined)[] = [];
    const disk: Disk = {
      ...nodeDisk,
      rename: (from, to) =>
        fails && to === anchor() ? Promise.reject(new Error("no space")) : nodeDisk.rename(from, to),
    };
    const { journal, anchor: kept } = await openChecked(
      { dir: dir(), durability: "flush", disk },
      await trust(),
      (reason) => reasons.push(reason),
    );
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000, anchor: kept });
    fails = true;
    for (let number = 0; number < 3; number++) {
      await journal.append(anIntent(number));
      await checkpoints.write();
    }
    expect([checkpoints.last().size, await anchored(), reasons.length, kept.trouble]).toEqual([
      3,
      0,
      1,
      expect.stringContaining("no space"),
    ]);
    fails = false;
    await checkpoints.write();
    expect([await anchored(), kept.trouble]).toEqual([3, undefined]);
    expect(reasons).toEqual([expect.stringContaining("no space"), undefined]);
    await checkpoints.stop();
    await journal.close();
  });

  it("that may be missing does not prevent a start, and gets the newest checkpoint once it is writable", async () => {
    await mkdir(`${anchor()}.tmp`);
    const reasons: (string | undefined)[] = [];
    const { journal, anchor: kept } = await openChecked({ dir: dir(), durability: "flush" }, await trust(), (reason) =>
      reasons.push(reason),
    );
    const options = { key, origin: ORIGIN, everyMs: 3_600_000, anchor: kept };
    await expect(createCheckpoints(journal, options)).rejects.toThrow(/cannot be written: it is a directory$/);
    const checkpoints = await createCheckpoints(journal, { ...options, mayLackAnchor: true });
    await journal.append(anIntent(0));
    await checkpoints.write();
    expect([checkpoints.last().size, existsSync(anchor())]).toEqual([1, false]);
    await rm(`${anchor()}.tmp`, { recursive: true });
    await checkpoints.write();
    expect([await anchored(), reasons]).toEqual([1, [expect.stringContaining("it is a directory"), undefined]]);
    await checkpoints.stop();
    await journal.close();
  });
});

describe("a journal directory that contradicts what was signed is not opened:", () => {
  const tampering: [what: string, damage: () => Promise<void>, words: RegExp][] = [
    [
      "an older copy",
      () => putBack("old"),
      /checkpoint 9 in the anchor covers 9 entries, the journal ends with index 5/,
    ],
    [
      "an empty directory",
      async () => {
        await removeDirectory(dir());
        await mkdir(dir());
      },
      /checkpoint 9 in the anchor covers 9 entries, the journal is empty/,
    ],
    ["no directory", () => removeDirectory(dir()), /checkpoint 9 in the anchor covers 9 entries, the journal is empty/],
    [
      "no checkpoints",
      () => rm(join(dir(), "checkpoints"), { recursive: true }),
      /has entries and no checkpoint: its checkpoints were removed/,
    ],
    [
      "no checkpoints and no anchor",
      async () => {
        await rm(join(dir(), "checkpoints"), { recursive: true });
        await rm(anchor());
      },
      /has entries and no checkpoint/,
    ],
    [
      "no last checkpoint",
      () => rm(join(dir(), "checkpoints/000000000009")),
      /checkpoint 9 is in the anchor and no longer in .*: checkpoints were removed/,
    ],
    [
      "lines and checkpoints that the gateway's key signed anew",
      async () => {
        for (const name of await readdir(join(dir(), "checkpoints"))) await rm(join(dir(), "checkpoints", name));
        const [first] = await segmentsOf(dir());
        const lines = await linesOf(dir(), first!);
        const line = Buffer.alloc(4096);
        const length = line.write(lines[0]!.replace("alpha-crm", "alpha-crl").replace(/,"crc":\d+\}$/, "}"));
        await writeLines(dir(), first!, lines.with(0, line.toString("utf8", 0, appendChecksum(line, 0, length))));
        await rm(join(dir(), "segments", first!.replace(".jsonl", ".hashes")));
        const { close, journal } = await openWithCheckpoints(dir(), key);
        await journal.append(anIntent(9));
        await close();
      },
      /the first 9 entries, .* do not have the root that checkpoint 9 in the anchor signed/,
    ],
    [
      "an end that another key signed",
      async () => {
        const { close, journal } = await openWithCheckpoints(dir(), thief);
        await journal.append(anIntent(9));
        await close();
      },
      /the last checkpoint, .*000000000010, is signed neither by the config's key nor by one that the anchor names/,
    ],
    [
      "an end that nobody signed",
      async () => {
        const path = join(dir(), "checkpoints/000000000009");
        await writeFile(path, (await readFile(path, "utf8")).replace(/.{20}(.{8}\n)$/, `${"A".repeat(20)}$1`));
      },
      /is signed neither by/,
    ],
    [
      "an anchor of another journal",
      async () => writeFile(anchor(), (await readFile(anchor(), "utf8")).replaceAll(ORIGIN, "other.test/x")),
      /belongs to other\.test\/x, but this journal signs as gateway\.test\/main/,
    ],
    [
      "an anchor that was changed",
      async () => writeFile(anchor(), (await readFile(anchor(), "utf8")).replace("\n9\n", "\n3\n")),
      /has no valid signature, so it was changed/,
    ],
    ["an anchor that is empty", () => writeFile(anchor(), ""), /is not a checkpoint, so its file was changed/],
    [
      "an anchor that is a directory",
      async () => {
        await rm(anchor());
        await mkdir(anchor());
      },
      /cannot be read: it is a directory/,
    ],
  ];

  beforeEach(async () => {
    await run();
    await run();
    await copy("old");
    await run();
  });

  it.each(tampering)("%s", async (_what, damage, words) => {
    await damage();
    expect(await damaged()).toMatch(words);
  });

  it.each(tampering.filter(([what]) => what !== "an anchor that is a directory"))(
    "%s, accepted by somebody, goes on with an entry that says so",
    async (_what, damage) => {
      await damage();
      const why = (await damaged()).replace(/\. Nothing is signed\..*$/, "");
      const { accepted, entry } = await accept();
      expect([accepted.kind, entry]).toEqual([
        "accepted",
        expect.objectContaining({
          kind: "alarm",
          reason: "a restored or moved journal was accepted",
          detail: why,
          user: "rw",
          purpose: "disk replaced",
        }),
      ]);
      expect(await run()).toEqual([]);
      // A checkpoint that was forged is told as long as it is there.
      expect((await verifyJournal(dir(), { own: verifierKey(ORIGIN, key) })).verdict).toBe(
        _what === "an end that nobody signed" ? "broken" : "ok",
      );
    },
  );

  it("an anchor that is a directory is accepted only once it can be written", async () => {
    await rm(anchor());
    await mkdir(anchor());
    await expect(accept()).rejects.toThrow(/\(audit\.checkpoint\.anchor\) cannot be written: it is a directory/);
    await rm(anchor(), { recursive: true });
    expect((await accept()).accepted.kind).toBe("accepted");
  });

  it("damaged lines are never accepted", async () => {
    const [first] = await segmentsOf(dir());
    const lines = await linesOf(dir(), first!);
    await writeLines(dir(), first!, lines.with(0, lines[0]!.replace("alpha-crm", "alpha-crl")));
    // A start goes on from its newest state, whose lines are read again while it serves. Who accepts says that all of
    // them are right.
    expect(await run()).toEqual([]);
    await expect(accept()).rejects.toThrow(JournalDamaged);
    await rm(join(dir(), "states"), { recursive: true });
    await damaged();
    await expect(accept()).rejects.toThrow(JournalDamaged);
  });
});

const accept = async (
  deliver: (note: string) => Promise<void> = async (note) => void (await elsewhere().deliver(note)),
): Promise<{ accepted: Accepted; entry: unknown }> => {
  const accepted = await acceptRestore({
    dir: dir(),
    trust: await trust(),
    user: "rw",
    purpose: "disk replaced",
    deliver,
  });
  return { accepted, entry: (await Array.fromAsync(readEntries(dir()))).at(-1) };
};

describe("a published checkpoint", () => {
  it("exposes an older copy even if the anchor was replaced with it", async () => {
    await run({ publish: true });
    await copy("old");
    await cp(anchor(), join(root, "old.anchor"));
    await run({ publish: true });
    await putBack("old");
    await rename(join(root, "old.anchor"), anchor());
    expect(await damaged()).toMatch(
      /checkpoint 6 in file:.*elsewhere\.txt covers 6 entries, the journal ends with index 2/,
    );
  });

  it("counts only with a valid signature, and a planted one is reported", async () => {
    await run({ publish: true });
    const note = await readFile(join(root, "elsewhere.txt"), "utf8");
    await elsewhere().deliver(signCheckpoint({ origin: ORIGIN, size: 3, root: Buffer.alloc(32) }, thief));
    await elsewhere().deliver(
      note
        .trimEnd()
        .replace(/.{20}(.{8})$/, `${"A".repeat(20)}$1`)
        .concat("\n"),
    );
    await elsewhere().deliver(signCheckpoint({ origin: "other.test/x", size: 900, root: Buffer.alloc(32) }, thief));
    expect(await run()).toEqual([
      expect.stringMatching(/elsewhere\.txt holds 2 checkpoints in this journal's name without a valid signature/),
    ]);
    await elsewhere().deliver(signCheckpoint({ origin: ORIGIN, size: 900, root: Buffer.alloc(32) }, key));
    expect(await damaged()).toMatch(/checkpoint 900 in file:.* covers 900 entries/);
  });

  it.each<[string, () => Promise<void>]>([
    ["removed", () => rm(join(root, "elsewhere.txt"))],
    ["emptied", () => writeFile(join(root, "elsewhere.txt"), "")],
    ["filled with other things", () => writeFile(join(root, "elsewhere.txt"), "nothing\n".repeat(1000))],
  ])("that was %s causes a warning", async (_what, damage) => {
    await run({ publish: true });
    expect(await run({ publish: true })).toEqual([]);
    await damage();
    expect(await run({ publish: true })).toEqual([
      expect.stringMatching(
        patternOf(
          /^file:.*elsewhere\.txt holds no checkpoint of this journal, which has some: /,
          /it is new, or it was removed or emptied$/,
        ),
      ),
    ]);
    expect(await run()).toEqual([]);
  });

  it("is missed if its sink is emptied while the gateway runs", async () => {
    const place = elsewhere();
    expect([await place.deliver("one\n"), await place.deliver("two\n")]).toEqual(["complete", "complete"]);
    await writeFile(join(root, "elsewhere.txt"), "");
    expect([await place.deliver("three\n"), await place.deliver("four\n")]).toEqual(["shortened", "incomplete"]);
  });

  it("of lines that a restore gave up no longer counts at any later start", async () => {
    await run({ publish: true });
    await copy("old");
    for (let more = 0; more < 3; more++) await run({ publish: true });
    await putBack("old");
    await accept();
    for (let more = 0; more < 3; more++) expect(await run({ publish: true })).toEqual([]);
  });

  it("of an acceptance is written first: if that fails, nothing is accepted, and it can be repeated", async () => {
    await run();
    await copy("old");
    await run();
    await putBack("old");
    await expect(accept(() => Promise.reject(new Error("the disk is away")))).rejects.toThrow("the disk is away");
    await damaged();
    expect((await accept()).accepted.kind).toBe("accepted");
    await run();
  });

  it("is found among the newest notes, in a time that does not grow with the sink", async () => {
    await run({ publish: true });
    const note = await readFile(join(root, "elsewhere.txt"), "utf8");
    await appendFile(join(root, "elsewhere.txt"), note.repeat(15_000));
    const began = performance.now();
    expect(await run()).toEqual([]);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe("an intact journal", () => {
  it("has nothing to accept", async () => {
    await run();
    expect((await accept()).accepted).toEqual({ kind: "nothing" });
    expect(await checkpointsOf(dir())).toEqual(["000000000003"]);
  });

  it("that was moved without its anchor is accepted with an entry", async () => {
    await run();
    await rm(anchor());
    expect((await accept()).accepted).toMatchObject({
      kind: "accepted",
      entries: 4,
      why: expect.stringContaining("there is no anchor") as string,
    });
    expect(await run()).toEqual([]);
  });
});

/** Every call that changes the disk, counted; from the k-th on nothing happens any more, as when the power goes. */
const cutAt = (k: number): { disk: Disk; calls: () => number } => {
  let calls = 0;
  const step = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    if (++calls > k) throw new Error("the power is gone");
    return work();
  };
  const disk: Disk = {
    ...nodeDisk,
    open: async (path, how) => {
      const file = await (how === "read" ? nodeDisk.open(path, how) : step(() => nodeDisk.open(path, how)));
      return {
        ...file,
        write: (bytes, position) => step(() => file.write(bytes, position)),
        flush: () => step(file.flush),
        truncate: (size) => step(() => file.truncate(size)),
      };
    },
    makeDirectory: (path) => step(() => nodeDisk.makeDirectory(path)),
    remove: (path) => step(() => nodeDisk.remove(path)),
    rename: (from, to) => step(() => nodeDisk.rename(from, to)),
    syncDirectory: (path) => step(() => nodeDisk.syncDirectory(path)),
  };
  return { disk, calls: () => calls };
};

describe("a crash at any disk call", () => {
  it.each<[string, () => Promise<void>]>([
    ["at the first start", () => Promise.resolve()],
    ["at a later start", async () => void (await run())],
    [
      "at the first start after an upgrade",
      async () => void (await aJournal(dir(), key, { size: 5, checkpointsAt: [2, 4] })),
    ],
    ["where a checkpoint's key is new", async () => void (await run({ signing: aKey() }))],
  ])(
    "%s leaves a journal that the next start opens",
    async (_when, prepare) => {
      await removeDirectory(root);
      root = await aQuickDirectory();
      const whole = cutAt(Number.POSITIVE_INFINITY);
      await prepare();
      await run({ disk: whole.disk });
      for (let k = 0; k < whole.calls(); k++) {
        await removeDirectory(root);
        await mkdir(root);
        await prepare();
        await run({ disk: cutAt(k).disk }).then(
          () => undefined,
          () => undefined,
        );
        const again = await run().then(
          () => "opened",
          (error: unknown) => String(error),
        );
        expect(again, `call ${k} of ${whole.calls()}`).toBe("opened");
        const { verdict, findings } = await verifyJournal(dir());
        expect([verdict, findings], `call ${k}`).toEqual(["cannot-tell", []]);
      }
    },
    120_000,
  );
});

describe.runIf(process.getuid?.() === 0)("files that root creates beside a service's files", () => {
  it("belong to the service", async () => {
    const { chown } = await import("node:fs/promises");
    await run();
    await chown(root, 4321, 4322);
    for (const path of [dir(), join(dir(), "segments"), join(dir(), "checkpoints")]) await chown(path, 4321, 4322);
    await chmod(root, 0o700);
    await run();
    for (const path of [
      anchor(),
      join(dir(), "checkpoints/000000000006"),
      join(dir(), "segments", (await segmentsOf(dir())).at(-1)!),
    ]) {
      expect([(await stat(path)).uid, (await stat(path)).gid], path).toEqual([4321, 4322]);
    }
  });
});
