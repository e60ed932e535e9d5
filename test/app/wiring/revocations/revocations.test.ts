/**
 * Revocations fail closed: whatever happens to the file, what the journal revokes stays revoked, and an alarm is
 * raised.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RevocationKeeper } from "../../../../src/app/wiring/revocations/revocations.ts";
import { events } from "../../../../src/common/log/events.ts";
import { type Journal } from "../../../../src/journal/journal.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import type { Config, Recorded } from "../../../../src/journal/entry.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { compactFile, readRevocations, revocationsFile } from "../../../../src/settings/files/revocations-file.ts";
import { revocationsIn } from "../../../../src/cli/revoke/list.ts";
import { createRevocations, type Revocations } from "../../../../src/identity/credentials.ts";
import { aDirectory, removeDirectory } from "../../../journal/kit.ts";
import { TroubledDisk } from "../../../journal/failing-disk.ts";
import { patternOf } from "../../../kit/pattern.ts";

const PATIENT = { timeout: 20_000, interval: 20 };
const FAR = "2999-01-01T00:00:00.000Z";

let dir: string;
let file: string;
let journal: Journal;
let keeper: RevocationKeeper | undefined;
let revocations: Revocations;
beforeEach(async () => {
  dir = await aDirectory();
  file = revocationsFile(dir);
  keeper = undefined;
  whileJournalled = () => Promise.resolve();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stop();
  await removeDirectory(dir);
});

const start = async (options: object = {}, watch = true): Promise<void> => {
  journal = await openJournal({ dir, durability: "os", ...options });
  const { append } = journal;
  const seen: Journal = Object.create(journal, {
    append: {
      value: async (entry: Config) => {
        await whileJournalled();
        return append(entry);
      },
    },
  }) as Journal;
  revocations = createRevocations();
  keeper = await RevocationKeeper.open({ file, revocations, journal: seen, configHash: () => "h" }, { watch });
};
/** What another program does while the gateway writes a decision to the journal. */
let whileJournalled: () => Promise<unknown>;
const stop = async (): Promise<void> => {
  await keeper?.close();
  await journal.close();
};
const again = async (): Promise<void> => {
  await stop();
  await start();
};
const isRevoked = (client: string): boolean =>
  revocations.isRevoked({ client, credential: { kind: "key", id: "none" } });
const revoke = (id: string, until: string | null = null) => keeper!.decide({ kind: "client", id, until });
const lift = (id: string) => keeper!.decide({ kind: "client", id, lifted: true });
const line = (id: string, more: object = {}): string =>
  `${JSON.stringify({ at: "2026-11-22T12:00:00Z", kind: "client", id, ...more })}\n`;
const MARK = `{"at":"2026-11-22T12:00:00Z","journalled":true}\n`;
const entries = async (): Promise<Recorded[]> => {
  const found: Recorded[] = [];
  await journal.head();
  for await (const entry of readEntries(dir)) found.push(entry);
  return found;
};
const changes = async (): Promise<string[]> =>
  (await entries()).flatMap((entry) =>
    entry.kind === "config" ? [`${entry.change}${entry.revocation ? ` ${entry.revocation.id}` : ""}`] : [],
  );
const alarms = async (): Promise<string[]> =>
  (await entries()).flatMap((entry) => (entry.kind === "alarm" ? [`${entry.reason}: ${entry.detail}`] : []));
const inFile = async (): Promise<string[]> =>
  [...readRevocations(await readFile(file, "utf8")).last.values()]
    .filter(({ lifted }) => !lifted)
    .map(({ id }) => id)
    .toSorted();

/** What happens to the file, and what the alarm says. */
const LOSSES: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
  [
    "emptied",
    () => writeFile(file, ""),
    /lines are missing or were changed; 2 of 2 were missing: client alpha, client beta/,
  ],
  [
    "truncated",
    async () => truncate(file, (await readFile(file, "utf8")).indexOf("\n") + 9),
    /were missing: client beta/,
  ],
  ["cut to half a line", () => truncate(file, 10), /2 of 2 were missing/],
  ["removed", () => rm(file), /it is gone; 2 of 2/],
  [
    "damaged in its first line",
    async () => writeFile(file, `x${await readFile(file, "utf8")}`),
    /line 1 is damaged; 1 of 2 were missing: client alpha; the damaged file is kept as .*\.damaged-/,
  ],
  ["filled with NUL", async () => writeFile(file, "\0".repeat(64) + "\n"), /line 1 is damaged; 2 of 2/],
  ["replaced by other lines", () => writeFile(file, MARK), /2 of 2/],
  [
    "given an earlier expiry",
    () => appendFile(file, line("alpha", { until: "2027-01-01T00:00:00.000Z" }) + MARK),
    /1 of 2 were missing: client alpha/,
  ],
  [
    "given reinstatements that look journaled",
    () => appendFile(file, line("alpha", { lifted: true }) + MARK),
    /1 of 2 were missing: client alpha/,
  ],
  [
    "replaced by a directory",
    async () => {
      await rm(file);
      await mkdir(file);
    },
    /it cannot be read: .*; 2 of 2 .*kept as/,
  ],
  [
    "replaced by a FIFO",
    async () => {
      await rm(file);
      execFileSync("mkfifo", [file]);
    },
    /it cannot be read: it is a FIFO and not a regular file; 2 of 2/,
  ],
];

describe("a revocations file", () => {
  it.each(LOSSES)(
    "that is %s while the gateway runs reinstates nothing; the gateway restores it and raises an alarm",
    async (_, lose, says) => {
      await start();
      await revoke("alpha");
      await revoke("beta", FAR);
      await lose();
      await expect.poll(alarms, PATIENT).toEqual([expect.stringMatching(says)]);
      expect([isRevoked("alpha"), isRevoked("beta"), isRevoked("gamma")]).toEqual([true, true, false]);
      await expect.poll(inFile, PATIENT).toEqual(["alpha", "beta"]);
      expect(keeper!.troubles()).toEqual([expect.stringContaining("find out who wrote to")]);
      expect(await changes(), "and nothing new is decided").toEqual(["revoked alpha", "revoked beta"]);
    },
  );

  it.each(LOSSES)(
    "that is %s while no gateway runs reinstates nothing; the next start restores it and raises an alarm",
    async (_, lose, says) => {
      await start();
      await revoke("alpha");
      await revoke("beta", FAR);
      await stop();
      await lose();
      await start();
      expect([isRevoked("alpha"), isRevoked("beta"), isRevoked("gamma")]).toEqual([true, true, false]);
      expect([await inFile(), await alarms()]).toEqual([["alpha", "beta"], [expect.stringMatching(says)]]);
      await again();
      expect(await alarms(), "a second start has nothing to tell").toHaveLength(1);
      expect(await changes()).toEqual(["revoked alpha", "revoked beta"]);
    },
  );

  it("that gets a reinstatement keeps the client revoked, and the alarm names the command to reinstate", async () => {
    await start();
    await revoke("alpha");
    await appendFile(file, line("alpha", { lifted: true }));
    await expect
      .poll(alarms, PATIENT)
      .toEqual([
        expect.stringMatching(
          patternOf(
            /reinstates a credential that the journal revokes; /,
            /it stays revoked: client alpha; use ocsgw revoke -c FILE --reinstate/,
          ),
        ),
        expect.stringMatching(/restored/),
      ]);
    expect([isRevoked("alpha"), await inFile()]).toEqual([true, ["alpha"]]);
  });

  it("that is complete is not changed at a restart", async () => {
    await start();
    await revoke("alpha");
    const before = await readFile(file, "utf8");
    await again();
    expect([await readFile(file, "utf8"), await alarms(), keeper!.troubles()]).toEqual([before, [], []]);
  });
});

describe("the gateway that decides a revocation", () => {
  it("journals it, with all revocations in the first entry, and keeps a reinstatement over a restart", async () => {
    await start();
    expect(await revoke("alpha", FAR)).toMatchObject({ kept: true, journalled: true });
    await revoke("beta");
    expect(await lift("alpha")).toMatchObject({ kept: true, journalled: true });
    const configs = (await entries()).filter((entry): entry is Recorded & Config => entry.kind === "config");
    expect(
      configs.map(({ change, detail, revocation, revocations: all }) => [change, detail, revocation, all]),
    ).toEqual([
      [
        "revoked",
        `client alpha is revoked until ${FAR}`,
        { kind: "client", id: "alpha", until: FAR },
        [{ kind: "client", id: "alpha", until: FAR }],
      ],
      ["revoked", "client beta is revoked", { kind: "client", id: "beta", until: null }, undefined],
      ["lifted", "client alpha is reinstated", { kind: "client", id: "alpha", until: null }, undefined],
    ]);
    await again();
    expect([isRevoked("alpha"), isRevoked("beta"), await inFile()]).toEqual([false, true, ["beta"]]);
  });

  it("does not undo a reinstatement because of old lines that are already journaled", async () => {
    await start();
    await revoke("alpha");
    const old = await readFile(file, "utf8");
    await lift("alpha");
    await stop();
    await writeFile(file, old);
    await start();
    expect(isRevoked("alpha")).toBe(false);
  });

  it("revokes at once and over a restart while the journal fails, but does not reinstate", async () => {
    const trouble = new TroubledDisk();
    await start({ disk: trouble.disk });
    await revoke("alpha");
    trouble.break({ code: "EIO", only: /segments/, times: Number.POSITIVE_INFINITY });
    expect(await revoke("beta")).toMatchObject({ kept: true, journalled: false });
    const logged = vi.spyOn(events, "credentialReinstated");
    expect(await lift("alpha")).toMatchObject({ kept: false, journalled: false });
    expect([isRevoked("alpha"), isRevoked("beta")]).toEqual([true, true]);
    expect(logged).not.toHaveBeenCalled();
    await expect
      .poll(() => readFile(file, "utf8").then((text) => readRevocations(text).fresh.map(({ id }) => id)), PATIENT)
      .toEqual(["beta"]);
    await stop();
    await start();
    expect([isRevoked("alpha"), isRevoked("beta"), await changes()]).toEqual([
      true,
      true,
      ["revoked alpha", "revoked beta"],
    ]);
  });

  it("does not apply a failed reinstatement later, when the journal works again", async () => {
    const trouble = new TroubledDisk();
    await start({ disk: trouble.disk });
    await revoke("alpha");
    trouble.break({ code: "EIO", only: /segments write/, times: 2 });
    expect(await lift("alpha")).toMatchObject({ kept: false });
    await expect.poll(() => journal.status().failed, PATIENT).toBe(undefined);
    await expect.poll(() => journal.status().buffered, PATIENT).toBe(0);
    expect(isRevoked("alpha")).toBe(true);
    await again();
    expect(isRevoked("alpha")).toBe(true);
  });

  it("ignores an earlier expiry in the file, but accepts it as a decision", async () => {
    await start();
    await revoke("alpha", FAR);
    await appendFile(file, line("alpha", { until: new Date(Date.now() + 1000).toISOString() }));
    await expect.poll(alarms, PATIENT).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(isRevoked("alpha")).toBe(true);
    const soon = new Date(Date.now() + 500).toISOString();
    expect(await revoke("alpha", soon), "but the gateway may be asked for it").toMatchObject({ journalled: true });
    await expect.poll(() => isRevoked("alpha"), PATIENT).toBe(false);
  });
});

describe("a revocation that another program adds to the file", () => {
  /** Adds the line once, while a decision is written to the journal. */
  const adds = (text: string) => {
    whileJournalled = async () => {
      whileJournalled = () => Promise.resolve();
      await appendFile(file, text);
    };
  };
  const isTaken = async (id: string): Promise<void> => {
    await expect.poll(() => isRevoked(id), PATIENT).toBe(true);
    await expect.poll(async () => readRevocations(await readFile(file, "utf8")).fresh, PATIENT).toEqual([]);
    await rm(file);
    await again();
    expect(isRevoked(id)).toBe(true);
  };

  it.each<[string, () => Promise<unknown>]>([
    ["a decision is journalled", () => revoke("alpha")],
    ["a revocation is shortened", () => revoke("old", FAR)],
    ["a client is reinstated", () => lift("old")],
    ["another line of the file is applied", () => appendFile(file, line("alpha"))],
    ["a reinstatement in the file is rejected", () => appendFile(file, line("old", { lifted: true }) + line("alpha"))],
    ["the file is restored", () => writeFile(file, line("alpha"))],
  ])("while %s is applied too", async (_, work) => {
    await start();
    await revoke("old");
    adds(line("beta"));
    await work();
    await isTaken("beta");
  });

  it("while the first lines are journaled is applied too", async () => {
    await writeFile(file, line("alpha"));
    adds(line("beta"));
    await start();
    await isTaken("beta");
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a command revokes another client", () => revoke("alpha")],
    ["a command reinstates another client", () => lift("old")],
    [
      "a command revokes the same client for a shorter time",
      () => revoke("beta", new Date(Date.now() + 1500).toISOString()),
    ],
  ])("just before %s is applied until its own expiry", async (_, work) => {
    await start();
    await revoke("old");
    await appendFile(file, line("beta", { until: FAR }));
    await work();
    await isTaken("beta");
    await new Promise((resolve) => setTimeout(resolve, 1600));
    expect(isRevoked("beta")).toBe(true);
  });

  it("is journaled once even if the file repeats it, and every line is then marked", async () => {
    await start();
    await revoke("old");
    await appendFile(file, line("beta").repeat(3) + line("beta", { until: FAR }));
    await isTaken("beta");
    expect((await changes()).filter((change) => change === "revoked beta")).toHaveLength(1);
    expect(readRevocations(await readFile(file, "utf8")).fresh).toEqual([]);
  });

  it.each([
    ["a reinstatement", () => lift("alpha"), []],
    ["an earlier expiry", () => revoke("alpha", FAR), [{ kind: "client", id: "alpha", until: FAR }]],
  ])("before %s of the same client is not applied after it", async (_which, reduce, left) => {
    await start({}, false);
    await revoke("alpha");
    await appendFile(file, line("alpha"));
    await reduce();
    await again();
    expect(journal.revoked.all()).toEqual(left);
    await again();
    expect(journal.revoked.all()).toEqual(left);
  });
});

describe("a revocations file with many lines of former revocations", () => {
  const PAST = "2026-01-01T00:00:00.000Z";
  const former = (count: number): string =>
    Array.from({ length: count / 2 }, (_, at) => {
      const decision = { kind: "client", id: `former-${at}`, lifted: false, until: PAST };
      return line(`former-${at}`, { until: PAST }) + `${JSON.stringify({ at: PAST, journalled: decision })}\n`;
    }).join("");
  const lines = async (): Promise<string[]> => (await readFile(file, "utf8")).split("\n").slice(0, -1);

  beforeEach(async () => {
    await start();
    await revoke("alpha");
    await revoke("beta", FAR);
    await stop();
  });

  it.each([
    ["is replaced by one with those in force", 6000, "", 4],
    ["keeps its lines while they are few", 3000, "", 3004],
    ["first loses what the journal lacked to the journal", 6000, line("gamma"), 6],
  ])("%s", async (_what, count, more, left) => {
    await writeFile(file, former(count) + (await readFile(file, "utf8")) + more);
    await start();
    await expect.poll(async () => (await lines()).length, PATIENT).toBe(left);
    expect(await alarms()).toEqual([]);
    await again();
    expect(["alpha", "beta", "gamma"].map(isRevoked)).toEqual([true, true, more !== ""]);
    expect(readRevocations(await readFile(file, "utf8"))).toMatchObject({ fresh: [], damaged: [] });
    expect(await readdir(dir)).not.toContain("revocations.jsonl.new");
  });

  it("keeps a line that another program adds while it is replaced", async () => {
    const added = [line("gamma"), line("delta")];
    const slow = {
      kind: "client",
      id: "alpha",
      lifted: false,
      get until() {
        const [next] = added.splice(0, 1);
        if (next !== undefined) appendFileSync(file, next);
        return null;
      },
    } as const;
    expect(await compactFile(file, [slow])).toBe(true);
    expect(added).toEqual([]);
    const { last, fresh } = readRevocations(await readFile(file, "utf8"));
    expect([[...last.keys()], fresh.map(({ id }) => id)]).toEqual([
      ["client alpha", "client gamma", "client delta"],
      ["gamma", "delta"],
    ]);
    expect(await compactFile(file, [slow])).toBe(false);
  });

  it("that is damaged stays, as evidence, and is replaced by a new one", async () => {
    await writeFile(file, `${former(6000)}{"at"\n`);
    await start();
    await expect.poll(async () => (await readdir(dir)).filter((name) => name.includes(".damaged-")).length).toBe(1);
    expect((await lines()).length).toBe(4);
  });
});

describe("a journal of format 1, for which the file was the source of truth,", () => {
  const words = (change: "revoked" | "lifted", detail: string): Config => ({
    kind: "config",
    config_hash: "h",
    change,
    detail,
  });
  const before = async (entries: readonly Config[], text: string | undefined): Promise<void> => {
    journal = await openJournal({ dir, durability: "os" });
    for (const entry of entries) await journal.append(entry);
    await journal.close();
    if (text !== undefined) await writeFile(file, text);
  };

  it.each([
    ["that is marked, before a later revocation in the journal", MARK, ["alpha"]],
    ["that no gateway has applied", "", []],
  ])("is listed as it is applied, with a reinstatement in the file %s", async (_which, mark, expected) => {
    const text = line("alpha") + MARK + line("alpha", { lifted: true }) + mark;
    await before([words("revoked", "client alpha is revoked")], text);
    expect((await revocationsIn(dir)).revocations.map(({ id }) => id)).toEqual(expected);
    await start();
    expect(journal.revoked.all().map(({ id }) => id)).toEqual(expected);
    expect((await revocationsIn(dir)).revocations.map(({ id }) => id)).toEqual(expected);
  });

  it("gets an entry with all revocations, including those of the file", async () => {
    await before(
      [words("revoked", "client alpha is revoked")],
      line("alpha") + MARK + line("old-and-deleted-by-retention") + MARK + line("left by a command"),
    );
    await start();
    const [, stated] = (await entries()).filter(({ kind }) => kind === "config") as Config[];
    expect(stated).toMatchObject({
      change: "revocations",
      detail: expect.stringMatching(/^3 revocations are in force; 2 of them were only in /) as string,
    });
    expect(stated!.revocations!.map(({ id }) => id)).toEqual([
      "alpha",
      "old-and-deleted-by-retention",
      "left by a command",
    ]);
    await stop();
    await rm(file);
    await start();
    expect(isRevoked("old-and-deleted-by-retention")).toBe(true);
    expect(
      (await changes()).filter((change) => change === "revocations"),
      "once",
    ).toHaveLength(1);
  });

  it("keeps a reinstatement that a command wrote to the file", async () => {
    await before([words("revoked", "client alpha is revoked")], line("alpha") + MARK + line("alpha", { lifted: true }));
    await start();
    expect(isRevoked("alpha")).toBe(false);
    await again();
    expect(isRevoked("alpha")).toBe(false);
  });

  it("keeps the revocations of its entries when the file was emptied before", async () => {
    await before(
      [
        words("revoked", "client alpha is revoked"),
        words("revoked", `client beta is revoked until ${FAR}`),
        words("lifted", "client alpha counts again"),
      ],
      "",
    );
    await start();
    expect([isRevoked("alpha"), isRevoked("beta"), await inFile()]).toEqual([false, true, ["beta"]]);
    expect(await alarms()).toEqual([expect.stringMatching(/1 of 1 were missing: client beta/)]);
  });

  it.each([
    ["is damaged", "nonsense\n"],
    [
      "contains an unknown member",
      `${JSON.stringify({ at: "2026-11-22T12:00:00Z", kind: "client", id: "a", mode: "x" })}\n`,
    ],
  ])("prevents the start if the file %s, because its revocations are unknown", async (_, text) => {
    await before([], text);
    await expect(start()).rejects.toThrow(
      /line 1 is damaged, and the journal does not have every revocation: correct the file/,
    );
  });

  it("gets no entry if nothing was ever revoked", async () => {
    await before([], undefined);
    await start();
    expect([await entries(), (await readdir(dir)).includes("revocations.jsonl")]).toEqual([[], false]);
  });
});
