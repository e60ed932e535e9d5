/** `ocsgw audit set-aside`, with a gateway that runs and without one; and what the other commands say from then on. */
import { existsSync, readdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import { createCheckpoints, loadOrCreateKey } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { aDoNotCall, linesOf, sealedAgain, segmentsOf, writeLines } from "../journal/kit.ts";
import { ocsgw } from "../kit/command.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";

const ORIGIN = "test.example/journal";
const DAY_MICROS = 86_400_000_000;
const SECOND = "000000000002.jsonl";
const WHY = ["--purpose", "disk of gw-a"];
let dir: string;
let gateway: GatewayProcess | undefined;
const audit = (...names: string[]): string => join(dir, "audit", ...names);
const command = (...args: string[]) => ocsgw("audit", ...args, "-c", join(dir, "ocsgw.yaml"));

/** Three days, so three segments; the second is damaged. */
beforeEach(async () => {
  dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
  let wall = (Date.now() - 3 * 86_400_000) * 1000;
  const journal = await openJournal({
    dir: audit(),
    durability: "os",
    clocks: { wall: () => wall, steady: () => wall },
  });
  const checkpoints = await createCheckpoints(journal, {
    key: await loadOrCreateKey(join(dir, "checkpoint.pem")),
    origin: ORIGIN,
    everyMs: 3_600_000,
  });
  for (let day = 0; day < 3; day++, wall += DAY_MICROS)
    for (const entry of aDoNotCall(day, { upstream: "ocs-main" })) await journal.append(entry);
  await checkpoints.stop();
  await journal.close();
  const bytes = await readFile(audit("segments", SECOND));
  bytes[200]! ^= 1;
  await writeFile(audit("segments", SECOND), bytes);
});
afterEach(async () => {
  await gateway?.end("SIGTERM");
  gateway = undefined;
  await rm(dir, { recursive: true, force: true });
});

describe("audit set-aside", { timeout: 120_000 }, () => {
  it.each(["with a gateway that runs", "without a gateway", "without a gateway and without a start state"])(
    "%s moves the segment, and no command calls the journal complete",
    async (how) => {
      if (how.startsWith("with a")) gateway = await startGateway(join(dir, "ocsgw.yaml"));
      if (how.endsWith("state")) {
        await rm(audit("states"), { recursive: true });
        await expect(startGateway(join(dir, "ocsgw.yaml"))).rejects.toThrow("ocsgw audit set-aside");
      }
      expect(await command("verify")).toMatchObject({
        code: 7,
        stdout: expect.stringContaining(`line 1 of ${SECOND} (index 2) was changed`) as string,
      });
      for (const asked of ["search", "dnc"])
        expect(await command(asked)).toMatchObject({
          code: 8,
          stderr: expect.stringMatching(
            /000000000002\.jsonl: the line at byte 0, of index 2, is not JSON, .*ocsgw audit set-aside/,
          ) as string,
        });
      expect(await command("set-aside", SECOND, ...WHY)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("give --yes") as string,
      });
      expect(await command("set-aside", SECOND, "--yes")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--purpose is missing: say why") as string,
      });
      expect(existsSync(audit("segments", SECOND))).toBe(true);
      const done = await command("set-aside", SECOND, "--yes", "--json", ...WHY);
      expect(done).toMatchObject({ code: 0 });
      const { index, ...result } = JSON.parse(done.stdout) as { readonly index: number };
      expect(result).toMatchObject({ from: 2, to: 4, intact: 1, files: [{ name: SECOND }] });
      expect([
        readdirSync(audit("set-aside")),
        readdirSync(audit("segments")).filter((name) => name.startsWith("000000000002")),
      ]).toEqual([[SECOND], ["000000000002.hashes"]]);

      const verified = await command("verify");
      expect([verified.code, verified.stdout]).toEqual([
        8,
        expect.stringContaining(`CANNOT TELL  entries 2 to 3 were damaged and set aside, as entry ${index} records`),
      ]);
      const says = `Not covered: entries 2 to 3 (from `;
      expect(await command("search")).toMatchObject({ code: 8, stderr: expect.stringContaining(says) as string });
      expect(await command("search", "--since", "1h")).toMatchObject({
        code: 0,
        stderr: expect.not.stringContaining("Not covered") as string,
      });
      expect(await command("search", "kind:set-aside", "--since", "1h")).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("disk of gw-a") as string,
      });
      expect(await command("dnc")).toMatchObject({
        code: 8,
        stderr: expect.stringContaining("NOT COMPLETE: entries 2 to 3") as string,
      });
      expect(await command("export", "--out", join(dir, "all.csv"), "--as", "csv")).toMatchObject({
        code: 8,
        stderr: expect.stringContaining(says) as string,
      });
      expect(await ocsgw("explain", "01KAPQ8C10QX01KAPQ8C000001", "-c", join(dir, "ocsgw.yaml"))).toMatchObject({
        code: 8,
        stderr: expect.stringContaining("set aside, as entry") as string,
      });
      expect(await command("set-aside", SECOND, "--yes", ...WHY)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("is set aside already") as string,
      });

      await gateway?.end("SIGTERM");
      gateway = await startGateway(join(dir, "ocsgw.yaml"));
      expect((await command("verify")).code).toBe(8);
    },
  );

  it.each([
    [
      "a flipped bit",
      (line: string) => line.replace(/"youngest":"2/, '"youngest":"3'),
      /the line of index \d+ is not as it was written/,
    ],
    [
      "an altered time, sealed again",
      (line: string) =>
        sealedAgain(line.replace(/"youngest":"\d{4}/, '"youngest":"2001').replace(/"oldest":"\d{4}/, '"oldest":"2000')),
      /entries 2 to 3 are missing, and no valid entry explains why; to find out: ocsgw audit verify -c \S*ocsgw\.yaml/,
    ],
  ])("%s in the entry that says so makes no answer complete", async (_what, change, says) => {
    expect(await command("set-aside", SECOND, "--yes", ...WHY)).toMatchObject({ code: 0 });
    const last = (await segmentsOf(audit())).at(-1)!;
    const lines = await linesOf(audit(), last);
    await writeLines(
      audit(),
      last,
      lines.map((line) => (line.includes('"kind":"set-aside"') ? change(line) : line)),
    );
    for (const asked of [["search"], ["search", "--since", "1h"], ["dnc"]]) {
      const { code, stderr } = await command(...asked);
      expect([asked[0], code, says.test(stderr)]).toEqual([asked[0], 8, true]);
    }
    expect(await ocsgw("explain", "01KAPQ8C10QX01KAPQ8C000001", "-c", join(dir, "ocsgw.yaml"))).toMatchObject({
      code: 8,
    });
    // An export is an entry: nothing is written to a journal that is not as it was signed.
    expect((await command("export", "--out", join(dir, "all.csv"), "--as", "csv", ...WHY)).code).toBe(7);
    expect((await command("verify")).code).toBe(7);
  });

  it.each([
    ["an intact segment", "0", 1, "is not damaged"],
    ["the segment that is written", "last", 1, "is being written"],
    ["an unknown one", "3", 2, "no segment begins with index 3"],
    ["what is no segment", "checkpoint.pub", 2, "is no segment"],
  ])("refuses %s, with and without a gateway", async (_what, given, code, says) => {
    for (const runs of [false, true]) {
      if (runs) gateway = await startGateway(join(dir, "ocsgw.yaml"));
      const last = readdirSync(audit("segments"))
        .filter((name) => name.endsWith(".jsonl"))
        .toSorted()
        .at(-1)!;
      expect(await command("set-aside", given === "last" ? last : given, "--yes", ...WHY)).toMatchObject({
        code,
        stderr: expect.stringContaining(says) as string,
      });
    }
    expect(existsSync(audit("set-aside"))).toBe(false);
  });
});
