/**
 * A damaged segment is set aside: what is said of it, what stays, and what each reader of the journal makes of the
 * hole.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JournalOptions } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { writeBundle } from "../../../src/journal/export/bundle.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import type { SetAside } from "../../../src/journal/entry.ts";
import { exportTo } from "../../../src/journal/export/export.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { searchPerson } from "../../../src/journal/search/person-search.ts";
import { OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { openDncOf } from "../../../src/journal/search/open-dnc.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import { deleteExpired } from "../../../src/journal/segments/retention/retention.ts";
import {
  verifyInBackground,
  type Damage,
  type Verified,
} from "../../../src/journal/integrity/background-verify/background-verify.ts";
import { setAsideWithin } from "../../../src/journal/search/missing-segments.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { finishSettingAside, setAside } from "../../../src/journal/segments/set-aside.ts";
import { firstIndexIn, examineSegment } from "../../../src/journal/segments/examine-segment.ts";
import { extendTiles } from "../../../src/journal/integrity/tiles.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aDirectory,
  aDoNotCall,
  aKey,
  aQuickDirectory,
  removeDirectory,
  sealedAgain,
  type Opened,
} from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

const key = aKey();
const signer = { key, origin: ORIGIN };
const DAY = 86_400_000;
const START = Date.parse("2026-01-01T12:00:00Z");
const INDEX_KEY = "the only key of this journal, 32 and more";
const RULES = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;
const tokensOf = (phone: string) => createRedactor(RULES, INDEX_KEY).tokens("phones", phone, new Map())!;
const phoneOf = (number: number): string => `41555501${String(number).padStart(2, "0")}`;

let dir: string;
let today: number;
let counter: OpenDoNotCalls;
let opened: Opened | undefined;
beforeEach(async () => {
  dir = await aQuickDirectory();
  today = START;
});
afterEach(async () => {
  await opened?.close().catch(() => undefined);
  opened = undefined;
  await removeDirectory(dir);
});

const open = async (options: Partial<JournalOptions> = {}): Promise<Opened> => {
  counter = new OpenDoNotCalls();
  const journal = await openJournal({
    dir,
    durability: "flush",
    states: signer,
    written: counter.take,
    beside: { open: () => counter.save() ?? null },
    clocks: { wall: () => today * 1000, steady: () => today * 1000 },
    ...options,
  });
  try {
    journal.keys.use(INDEX_KEY, "h");
    const saved =
      journal.status().size === 0
        ? { size: 0, open: [], under_way: [] }
        : (journal.openedFrom.beside["open"] as ReturnType<OpenDoNotCalls["save"]>);
    if (saved) counter.restore(saved);
    if (saved)
      for await (const entry of readEntries(dir, { from: journal.openedFrom.at, to: journal.status().size }))
        counter.take(entry, entry.index, 0);
    const checkpoints = await createCheckpoints(journal, { ...signer, everyMs: 3_600_000 });
    return (opened = {
      journal,
      checkpoints,
      close: async () => {
        await checkpoints.stop();
        await journal.close();
      },
    });
  } catch (error) {
    await journal.close();
    throw error;
  }
};

/**
 * Each day a segment: a Do-Not-Call that OCS answers, and one that stays open. The first has the check value of the key
 * too.
 */
const write = async (days = 4): Promise<void> => {
  const { journal, checkpoints, close } = await open();
  for (let day = 0; day < days; day++, today += DAY) {
    for (const entry of aDoNotCall(2 * day, { upstream: "ocs-main", tokens: tokensOf(phoneOf(2 * day)) }))
      await journal.append(entry);
    for (const entry of aDoNotCall(2 * day + 1, {
      upstream: "ocs-main",
      tokens: tokensOf(phoneOf(2 * day + 1)),
      status: 500,
    }))
      await journal.append(entry);
    await checkpoints.write();
  }
  today -= DAY;
  await close();
  opened = undefined;
};
const SECOND = 5;
const THIRD = 9;
const at = (first: number, ending = ".jsonl"): string =>
  join(dir, "segments", `${String(first).padStart(12, "0")}${ending}`);
const aside = (name: string): string => join(dir, "set-aside", name);
const flip = async (path: string, byte: number): Promise<void> => {
  const bytes = await readFile(path);
  bytes[byte]! ^= 1;
  await writeFile(path, bytes);
};
const BY = { user: "dana", behind: { sudo: "lee" }, purpose: "disk of gw-a" };
const put = ({ journal, checkpoints }: Opened, first = SECOND) =>
  setAside({ journal, checkpoints, signer, openDoNotCalls: counter, by: BY }, first);
const verified = async () => verifyJournal(dir, { vkey: (await readFile(join(dir, "checkpoint.pub"), "utf8")).trim() });
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

type Row = {
  readonly what: string;
  readonly damage: () => Promise<void>;
  readonly files: readonly string[];
  readonly intact: number;
  readonly says: RegExp;
  readonly lost?: number;
};
const PLAIN = "000000000005.jsonl";
const DAMAGES: readonly Row[] = [
  {
    what: "a flipped bit",
    damage: () => flip(at(SECOND), 200),
    files: [PLAIN],
    intact: 3,
    says: /^1 of its 4 lines is not as they were signed/,
  },
  {
    what: "a bit in the line of an open Do-Not-Call",
    damage: async () =>
      flip(at(SECOND), (await readFile(at(SECOND), "utf8")).split("\n").slice(0, 2).join("\n").length + 300),
    files: [PLAIN],
    intact: 3,
    says: /^1 of its 4/,
    lost: 1,
  },
  {
    what: "a line that is cut off",
    damage: async () => truncate(at(SECOND), (await readFile(at(SECOND))).length - 30),
    files: [PLAIN],
    intact: 3,
    says: /^1 of its 4/,
  },
  {
    what: "a line that was removed",
    damage: async () => writeFile(at(SECOND), (await readFile(at(SECOND), "utf8")).split("\n").slice(1).join("\n")),
    files: [PLAIN],
    intact: 3,
    says: /another or in another place/,
  },
  {
    what: "an empty file",
    damage: () => truncate(at(SECOND), 0),
    files: [PLAIN],
    intact: 0,
    says: /^4 of its 4/,
    lost: 1,
  },
  { what: "a file that is gone", damage: () => rm(at(SECOND)), files: [], intact: 0, says: /it is missing/, lost: 1 },
  {
    what: "a compressed file with a flipped bit",
    damage: async () => {
      const { journal, close } = await open();
      await compressSegments({ journal, after: 0, now: () => today + DAY });
      await close();
      opened = undefined;
      await flip(at(SECOND, ".jsonl.zst"), 60);
    },
    files: [`${PLAIN}.zst`],
    intact: 0,
    says: /is damaged/,
    lost: 1,
  },
];

describe.each(DAMAGES)("$what", ({ damage, files, intact, says, lost = 0 }) => {
  it.each([
    ["from a start state", false],
    ["where every line is read", true],
  ])(
    "is set aside, %s; the tree still verifies, and no answer about it is complete",
    async (_how, isFromNothing) => {
      await write();
      await damage();
      const before = await Promise.all(files.map(async (name) => readFile(join(dir, "segments", name))));
      if (isFromNothing) {
        await rm(join(dir, "states"), { recursive: true });
        await expect(open()).rejects.toThrow(/000000000005\.jsonl/);
      }
      const gateway = await open({ damaged: [SECOND] });
      const known = isFromNothing ? null : lost;
      const { entry, index } = await put(gateway);
      expect(entry).toMatchObject({
        from: 5,
        to: 9,
        intact,
        damage: expect.stringMatching(says),
        user: "dana",
        behind: { sudo: "lee" },
        purpose: "disk of gw-a",
        before: [],
        lost: known,
        files: files.map((name, place) => ({ name, bytes: before[place]!.length, sha256: sha256(before[place]!) })),
      });
      expect((await readdir(join(dir, "segments"))).filter((name) => name.startsWith("000000000005"))).toEqual([
        "000000000005.hashes",
      ]);
      for (const [place, name] of files.entries()) expect(await readFile(aside(name))).toEqual(before[place]);
      await gateway.close();
      expect(await verified()).toMatchObject({
        verdict: "cannot-tell",
        findings: [],
        aside: [{ from: 5, to: 9, by: index }],
        missing: [
          `entries 5 to 8 were damaged and set aside, as entry ${index} records: their lines are not here; ` +
            "their hashes match the signed roots",
        ],
      });
      for (const states of [true, false]) {
        if (!states) await rm(join(dir, "states"), { recursive: true });
        const again = await open();
        expect(again.journal.setAsideRanges()).toEqual([{ from: 5, to: 9, by: index }]);
        await again.journal.append(aDoNotCall(90 + Number(states), { upstream: "ocs-main", open: true })[0]!);
        await again.close();
      }
      const numbers = (await Array.fromAsync(readEntries(dir, { from: 9 }))).flatMap((each) =>
        each.kind === "intent" ? [each.dnc] : [],
      );
      expect(numbers).toEqual([5, 6, 7, 8, 9, 10]);
      expect(await verified()).toMatchObject({ verdict: "cannot-tell", findings: [] });
    },
    30_000,
  );
});

describe("after a segment was set aside,", () => {
  const damagedAndAside = async (): Promise<{
    readonly gateway: Opened;
    readonly index: number;
    readonly entry: SetAside;
  }> => {
    await write();
    await flip(at(SECOND), 200);
    const gateway = await open();
    return { gateway, ...(await put(gateway)) };
  };
  const finding = async <Result>(work: (search: JournalSearch) => Promise<Result>): Promise<Result> => {
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      return await work(search);
    } finally {
      search.close();
    }
  };

  it.each([
    ["without a period", "", false],
    ["for the period of the segment", "since:2026-01-02 until:2026-01-03", false],
    ["for a later period", "since:2026-01-04", true],
    ["for an earlier period", "until:2026-01-01T11:59", true],
  ])("a look-up %s says whether it is complete", async (_what, filter, complete) => {
    await write();
    const look = () =>
      finding((search) =>
        searchPerson(
          search,
          { person: { kind: "phone", value: phoneOf(2) }, keys: INDEX_KEY, filter: parseFilter(filter) },
          { limit: 9 },
        ),
      );
    // The index knows the segment already.
    expect((await look()).evidence.complete).toBe(true);
    await flip(at(SECOND), 200);
    const { entry, index } = await put(await open());
    const { evidence, transactions } = await look();
    expect([evidence.complete, transactions]).toEqual([complete, []]);
    expect(evidence.gaps.map(({ reason }) => reason)).toEqual(
      complete
        ? []
        : [
            `entries 5 to 8 (from ${entry.oldest} to ${entry.youngest}) were damaged and set aside, as entry ` +
              `${index} records`,
          ],
    );
  });

  it("a search reports the gap, and counts none of its entries", async () => {
    await write();
    expect(await finding(async (search) => (await search.count(parseFilter("action:DoNotCall"))).count)).toBe(8);
    await flip(at(SECOND), 200);
    const { index } = await put(await open());
    const [count, searched] = await finding(
      async (search) =>
        [await search.count(parseFilter("action:DoNotCall kind:intent")), await search.searched()] as const,
    );
    expect([count.count, searched.from]).toEqual([6, 0]);
    expect(searched.set_aside).toMatchObject([{ from: 5, to: 9, entry: index, lost: 0 }]);
    expect(setAsideWithin(searched.set_aside, [(START + 2.5 * DAY) * 1000, Infinity])).toEqual([]);
  });

  it("the Do-Not-Call that was open in it stays open, by an entry of its own", async () => {
    const { gateway, index } = await damagedAndAside();
    const open = openDncOf(await finding((search) => search.openDnc()));
    expect(open.map(({ id }) => Number(id.slice(-6))).toSorted((one, other) => one - other)).toEqual([1, 3, 5, 7]);
    const carried = (await Array.fromAsync(readEntries(dir, { from: index - 1, to: index })))[0];
    expect(carried).toMatchObject({ kind: "open-dnc", tokens: tokensOf(phoneOf(3)), state: "ocs-no" });
    expect(gateway.journal.setAsideRanges()).toHaveLength(1);
  });

  it("a bundle proves the remaining lines by a scan of all lines, and says what it does not cover", async () => {
    const { gateway } = await damagedAndAside();
    await gateway.journal.append({ kind: "access", user: "rw", operation: "export" });
    await gateway.checkpoints.write();
    const { size } = gateway.checkpoints.last();
    const work = await aDirectory();
    const done = await writeBundle(
      { dir, filter: parseFilter(""), size, by: "rw", purpose: undefined, version: "1", configHash: "h" },
      join(work, "b"),
    );
    expect(done).toMatchObject({
      set_aside: [{ from: 5, to: 9 }],
      warnings: [expect.stringMatching(/^Not covered: entries 5 to 8 /)],
    });
    expect(await readFile(join(work, "b", "summary.html"), "utf8")).toContain("entries 5 to 8");
    const lines = await exportTo(
      { dir, filter: parseFilter("since:2026-01-04"), size },
      { out: join(work, "lines"), as: "ndjson" },
    );
    expect(lines.set_aside).toEqual([]);
    await removeDirectory(work);
  });

  it("the background verification passes over it without an alarm, and its mark names it", async () => {
    const { gateway, index } = await damagedAndAside();
    await gateway.close();
    const [damages, marks]: [Damage[], Verified[]] = [[], []];
    const until = gateway.checkpoints.last().size;
    await verifyInBackground({
      disk: nodeDisk,
      dir,
      until,
      setAsideRanges: gateway.journal.setAsideRanges(),
      published: [],
      pace: () => Promise.resolve(),
      damaged: (damage) => damages.push(damage),
      verified: (each) => marks.push(each),
    });
    expect(damages).toEqual([]);
    // None between the hole and the entry that tells of it.
    expect(marks.map(({ size }) => size).filter((size) => size > 5 && size <= index)).toEqual([]);
    expect(marks.at(-1)).toMatchObject({
      size: until,
      setAsideRanges: [{ from: 5, to: 9, by: index }],
      dnc: { "ocs-main/101": 8 },
    });
  });

  it("the segments around it are compressed, and the tiles extended", async () => {
    const { gateway } = await damagedAndAside();
    const failures: string[] = [];
    await compressSegments({
      journal: gateway.journal,
      after: 0,
      now: () => today + DAY,
      onFailure: (why) => failures.push(why),
    });
    await extendTiles({ disk: nodeDisk, dir });
    expect(failures).toEqual([]);
    expect((await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".zst"))).toEqual([
      "000000000000.jsonl.zst",
      "000000000009.jsonl.zst",
    ]);
  });

  it("retention deletes it with its files when the longest time is over", async () => {
    const {
      gateway: { journal, checkpoints, close },
    } = await damagedAndAside();
    const retiring = (keep: Parameters<typeof deleteExpired>[0]["keep"]) =>
      deleteExpired({ journal, checkpoints, keep, holds: [], openDoNotCalls: counter, now: () => today });
    // Its kinds are not known: an outcome may be in it.
    today += DAY;
    expect(await retiring({ default: 1.5 * DAY, alarm: 100 * DAY })).toMatchObject({ from: 0, to: 5 });
    expect(existsSync(aside(PLAIN))).toBe(true);
    expect(await retiring({ default: 1.5 * DAY })).toMatchObject({ from: 5, to: 9, dnc: { "ocs-main/101": 4 } });
    expect(await readdir(join(dir, "set-aside"))).toEqual([]);
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], retired: 9, aside: [] });
    await rm(join(dir, "states"), { recursive: true });
    expect((await open()).journal.setAsideRanges()).toEqual([]);
  });

  it("retention keeps it if the entry that states its period was changed", async () => {
    const {
      gateway: { journal, checkpoints },
      index,
    } = await damagedAndAside();
    const name = (await readdir(join(dir, "segments"))).filter((each) => each.endsWith(".jsonl")).at(-1)!;
    const lines = (await readFile(join(dir, "segments", name), "utf8")).split("\n");
    await writeFile(
      join(dir, "segments", name),
      lines
        .map((line) =>
          line.includes('"kind":"set-aside"')
            ? sealedAgain(line.replace(/"youngest":"2026/, '"youngest":"2016'))
            : line,
        )
        .join("\n"),
    );
    const retiring = () =>
      deleteExpired({
        journal,
        checkpoints,
        keep: { default: 1.5 * DAY },
        holds: [],
        openDoNotCalls: counter,
        now: () => today,
      });
    today += DAY;
    expect(await retiring()).toMatchObject({ from: 0, to: 5 });
    await expect(retiring()).rejects.toThrow(
      `entry ${index}, which says that 000000000005.jsonl was set aside, differs from what was signed, so that ` +
        "segment and all later ones stay",
    );
    expect(existsSync(aside(PLAIN))).toBe(true);
  });

  it("a restored copy replaces it, then nothing is missing, and the copy is not moved", async () => {
    await write();
    await cp(at(SECOND), join(dir, "copy"));
    await flip(at(SECOND), 200);
    const gateway = await open();
    await put(gateway);
    await cp(join(dir, "copy"), at(SECOND));
    await finishSettingAside(gateway.journal);
    await gateway.close();
    expect(existsSync(at(SECOND))).toBe(true);
    expect(await verified()).toMatchObject({ verdict: "ok", findings: [], aside: [] });
    expect(await finding(async (search) => (await search.searched()).set_aside)).toEqual([]);
    expect((await open()).journal.setAsideRanges()).toHaveLength(1);
  });

  it.each([[0], [SECOND]])("the entry about segment %i names those before it", async (first) => {
    await write();
    const other = first === 0 ? SECOND : 0;
    await flip(at(first), 300);
    await flip(at(other), 300);
    const gateway = await open();
    const one = await put(gateway, other);
    const two = await put(gateway, first);
    expect(two.entry.before).toEqual([{ from: one.entry.from, to: one.entry.to, by: one.index }]);
    await gateway.close();
    await rm(join(dir, "states"), { recursive: true });
    expect((await open()).journal.setAsideRanges().map(({ from }) => from)).toEqual([0, SECOND]);
    expect(await verified()).toMatchObject({ verdict: "cannot-tell", findings: [], retired: 0 });
    expect(await finding(async (search) => (await search.searched()).from)).toBe(0);
  });

  it("a missing segment that no entry explains is still found", async () => {
    await write();
    await rm(at(THIRD));
    expect(await verified()).toMatchObject({
      verdict: "broken",
      findings: [{ kind: "segment", text: "000000000009.jsonl is missing, with the entries 9 to 12" }],
    });
    await rm(join(dir, "states"), { recursive: true });
    await expect(open()).rejects.toThrow(
      "000000000009.jsonl is missing, with the entries 9 to 12, and no entry says that it was set aside",
    );
  });
});

describe("examining a segment to set it aside refuses", () => {
  it.each([
    [
      "a segment whose lines are as they were signed",
      "5",
      "refused",
      /is not damaged: each of its 4 lines is as it was signed/,
    ],
    ["the segment that is being written", "000000000013.jsonl", "refused", /is being written/],
    [
      "an index in the middle of a segment",
      "6",
      "unknown",
      /no segment begins with index 6; the one with that index would be 000000000005.jsonl/,
    ],
    ["a name that is not a segment", "checkpoint.pub", "unknown", /is no segment/],
    ["a segment whose leaf hashes do not lead to the root", "9", "broken", /do not lead to the root of checkpoint 17/],
  ])("%s", async (_what, segment, kind, says) => {
    await write();
    if (kind === "broken") await flip(at(THIRD, ".hashes"), 40);
    const gateway = await open();
    await expect((async () => examineSegment({ ...gateway, signer }, firstIndexIn(segment)))()).rejects.toMatchObject({
      name: "NotSetAside",
      kind,
      message: expect.stringMatching(says),
    });
    expect(existsSync(join(dir, "set-aside"))).toBe(false);
  });

  it("a segment that is set aside already", async () => {
    await write();
    await flip(at(SECOND), 200);
    const gateway = await open();
    const { index } = await put(gateway);
    await expect(put(gateway)).rejects.toThrow(`is set aside already, as entry ${index} says`);
  });
});

describe("setting aside that is interrupted", () => {
  it("at any disk call leaves the segment in place or moved, nothing lost, and the next run completes it", async () => {
    await write();
    await flip(at(SECOND), 200);
    const bytes = await readFile(at(SECOND));
    const whole = `${dir}-whole`;
    await cp(dir, whole, { recursive: true });
    try {
      for (let call = 0, isDone = false; !isDone; call++) {
        await rm(dir, { recursive: true });
        await cp(whole, dir, { recursive: true });
        const trouble = new TroubledDisk();
        const gateway = await open({ disk: trouble.disk });
        trouble.break({ code: "EIO", after: call });
        isDone = await put(gateway).then(
          () => true,
          () => false,
        );
        trouble.mend();
        await gateway.journal.close().catch(() => undefined);
        const again = await open();
        await finishSettingAside(again.journal);
        await again.close();
        const places = [at(SECOND), aside(PLAIN)].filter((path) => existsSync(path));
        const { verdict, aside: said } = await verified();
        expect([call, places, verdict, said.length]).toEqual([
          call,
          [said.length === 1 ? aside(PLAIN) : at(SECOND)],
          said.length === 1 ? "cannot-tell" : "broken",
          said.length,
        ]);
        expect(await readFile(places[0]!)).toEqual(bytes);
        if (isDone) expect([said.length, call > 8]).toEqual([1, true]);
      }
    } finally {
      await rm(whole, { recursive: true, force: true });
    }
  }, 120_000);
});
