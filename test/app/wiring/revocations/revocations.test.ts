/** Deny lists fail closed: whatever becomes of the file, what the journal revokes stays revoked, and the loss is told. */
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RevocationKeeper } from "../../src/assemble/revocations.ts";
import { openJournal, type Journal } from "../../src/journal/append.ts";
import type { Config, Recorded } from "../../src/journal/entry.ts";
import { readEntries } from "../../src/journal/read.ts";
import { readRevocations, revocationsFile } from "../../src/settings/revocations-file.ts";
import { createRevocations, type Revocations } from "../../src/tenants/credential.ts";
import { aDirectory, removeDirectory } from "../journal/kit.ts";
import { TroubledDisk } from "../journal/trouble.ts";

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
});
afterEach(async () => {
  await stop();
  await removeDirectory(dir);
});

const start = async (options: object = {}, watch = true): Promise<void> => {
  journal = await openJournal({ dir, durability: "os", ...options });
  revocations = createRevocations();
  keeper = await RevocationKeeper.open({ file, revocations, journal, configHash: () => "h" }, { watch });
};
const stop = async (): Promise<void> => {
  await keeper?.close();
  await journal.close();
};
const again = async (): Promise<void> => {
  await stop();
  await start();
};
const isRevoked = (client: string): boolean => revocations.holds({ client, credential: { kind: "key", id: "none" } });
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

/** What somebody does to the file, and what the report says. */
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
    "given an earlier end",
    () => appendFile(file, line("alpha", { until: "2027-01-01T00:00:00.000Z" }) + MARK),
    /1 of 2 were missing: client alpha/,
  ],
  [
    "given lifting lines that look journalled",
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

describe("a revocations file that is", () => {
  it.each(LOSSES)(
    "%s while the gateway runs lifts nothing; it is restored, and that is told",
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
    "%s while no gateway runs lifts nothing at the next start, and is restored and told",
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

  it("made to lift something keeps it revoked, and says how it is lifted", async () => {
    await start();
    await revoke("alpha");
    await appendFile(file, line("alpha", { lifted: true }));
    await expect
      .poll(alarms, PATIENT)
      .toEqual([
        expect.stringMatching(/lifts what the journal revokes: it stays revoked: client alpha; ocsgw revoke --lift/),
        expect.stringMatching(/restored/),
      ]);
    expect([isRevoked("alpha"), await inFile()]).toEqual([true, ["alpha"]]);
  });

  it("whole is left alone", async () => {
    await start();
    await revoke("alpha");
    const before = await readFile(file, "utf8");
    await again();
    expect([await readFile(file, "utf8"), await alarms(), keeper!.troubles()]).toEqual([before, [], []]);
  });
});

describe("a decision", () => {
  it("stands in the journal as a member, states all at its first time, and is lifted over a restart", async () => {
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
      ["lifted", "client alpha counts again", { kind: "client", id: "alpha", until: null }, undefined],
    ]);
    await again();
    expect([isRevoked("alpha"), isRevoked("beta"), await inFile()]).toEqual([false, true, ["beta"]]);
  });

  it("of a client that is lifted is not taken back by lines of the file that were journalled", async () => {
    await start();
    await revoke("alpha");
    const old = await readFile(file, "utf8");
    await lift("alpha");
    await stop();
    await writeFile(file, old);
    await start();
    expect(isRevoked("alpha")).toBe(false);
  });

  it("that the journal cannot take revokes at once and over a restart, and lifts nothing", async () => {
    const trouble = new TroubledDisk();
    await start({ disk: trouble.disk });
    await revoke("alpha");
    trouble.break({ code: "EIO", only: /segments/, times: Number.POSITIVE_INFINITY });
    expect(await revoke("beta")).toMatchObject({ kept: true, journalled: false });
    expect(await lift("alpha")).toMatchObject({ kept: false, journalled: false });
    expect([isRevoked("alpha"), isRevoked("beta")]).toEqual([true, true]);
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

  it("that lifts, and is told as not done, is not done when the journal works again", async () => {
    const trouble = new TroubledDisk();
    await start({ disk: trouble.disk });
    await revoke("alpha");
    trouble.break({ code: "EIO", only: /segments write/, times: 2 });
    expect(await lift("alpha")).toMatchObject({ kept: false });
    await expect.poll(() => journal.status().failed, PATIENT).toBe(undefined);
    await expect.poll(() => journal.status().owed, PATIENT).toBe(0);
    expect(isRevoked("alpha")).toBe(true);
    await again();
    expect(isRevoked("alpha")).toBe(true);
  });

  it("that ends a revocation sooner is none of the file's: it takes the later end", async () => {
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

describe("a journal of format 1, whose file was the truth,", () => {
  const words = (change: "revoked" | "lifted", detail: string): Config => ({
    kind: "config",
    config_hash: "h",
    change,
    detail,
  });
  const before = async (told: readonly Config[], text: string | undefined): Promise<void> => {
    journal = await openJournal({ dir, durability: "os" });
    for (const entry of told) await journal.append(entry);
    await journal.close();
    if (text !== undefined) await writeFile(file, text);
  };

  it("is taken over with an entry that states all, those of the file among them", async () => {
    await before(
      [words("revoked", "client alpha is revoked")],
      line("alpha") + MARK + line("old-and-deleted-by-retention") + MARK + line("left by a command"),
    );
    await start();
    const [, stated] = (await entries()).filter(({ kind }) => kind === "config") as Config[];
    expect(stated).toMatchObject({
      change: "revocations",
      detail: expect.stringMatching(/^3 revocations stand: 2 of them were in /) as string,
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

  it("is taken over with what a command lifted meanwhile", async () => {
    await before([words("revoked", "client alpha is revoked")], line("alpha") + MARK + line("alpha", { lifted: true }));
    await start();
    expect(isRevoked("alpha")).toBe(false);
    await again();
    expect(isRevoked("alpha")).toBe(false);
  });

  it("keeps what its words revoke when the file was emptied before", async () => {
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
      "holds a key that nobody knows",
      `${JSON.stringify({ at: "2026-11-22T12:00:00Z", kind: "client", id: "a", mode: "x" })}\n`,
    ],
  ])("is refused where the file %s: nobody knows whom it revoked", async (_, text) => {
    await before([], text);
    await expect(start()).rejects.toThrow(
      /line 1 is damaged, and the journal does not state everything that is revoked: put it right/,
    );
  });

  it("says nothing where nothing was ever revoked", async () => {
    await before([], undefined);
    await start();
    expect([await entries(), (await readdir(dir)).includes("revocations.jsonl")]).toEqual([[], false]);
  });
});
