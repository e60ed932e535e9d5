/**
 * One name of an index key with two contents: the gateway and all commands reject the wrong one, and no search reports
 * a person as unknown because of it.
 */
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { request } from "undici";
import { stringify } from "yaml";
import { startGateway } from "../../../../src/app/start.ts";
import { check } from "../../../../src/cli/check/check.ts";
import { IndexKeyDiffers } from "../../../../src/journal/integrity/key-checks.ts";
import { loadSettings } from "../../../../src/settings/load.ts";
import { ocsgw, ocsgwWith, type Ran } from "../../../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../../../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../../../kit/raw-ocs.ts";

const SECRET = "an index key of this site, of 32 and more";
const PHONE = "4155550177";

let ocs: RawOcs;
let dir: string;
beforeAll(async () => {
  ocs = await rawOcs();
  dir = await aConfigured(config(SECRET), ["alpha", "beta"]);
  await withGateway(async (gateway) => {
    const reply = await request(`${gateway.listeners[0]!.url}/phones/${PHONE}?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    });
    await reply.body.dump();
    expect(reply.statusCode).toBe(200);
  });
});
afterAll(async () => {
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

const config = (index_key: unknown): ReturnType<typeof twoTenants> => {
  const made = twoTenants(ocs.url);
  return { ...made, audit: { ...(made.audit as object), index_key } };
};
const file = (): string => join(dir, "ocsgw.yaml");
const write = (indexKey: unknown): Promise<void> =>
  writeFile(file(), stringify(config(indexKey), { aliasDuplicateObjects: false }));
const segment = (): string => join(dir, "audit/segments/000000000000.jsonl");
const lines = async (): Promise<readonly Record<string, unknown>[]> =>
  (await readFile(segment(), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const withGateway = async (
  work: (gateway: Awaited<ReturnType<typeof startGateway>>) => Promise<void>,
): Promise<void> => {
  const loaded = await loadSettings(file(), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const gateway = await startGateway({
    settings: loaded.settings,
    configHash: loaded.hash,
    files: loaded.files,
    file: file(),
  });
  try {
    await work(gateway);
  } finally {
    await gateway.stop("test");
  }
};

const search = (): Promise<Ran> => ocsgwWith(`${PHONE}\n`, "audit", "search", "--phone-stdin", "-c", file());

describe("an index key whose content differs from the journal's key of the same name", () => {
  const OTHERS: readonly (readonly [string, unknown, RegExp])[] = [
    ["another secret", "quite another key of this site, of 32", /not the one that the journal uses/],
    ["the secret with a line break", `${SECRET}\n`, /line break/],
    ["the secret with a byte order mark", `\uFEFF${SECRET}`, /byte order mark/],
    [
      "an unset variable in front of the trial key",
      "${OCSGW_NEVER_SET:-for-a-trial-only-not-a-secret-at-all}",
      /is the variable with the key not set/,
    ],
    [
      "another secret of an older epoch",
      [
        { epoch: "t1", secret: "quite another key of this site, of 32" },
        { epoch: "t2", secret: SECRET },
      ],
      /not the one that the journal uses/,
    ],
    [
      "two epochs that are swapped",
      [
        { epoch: "t2", secret: SECRET },
        { epoch: "t1", secret: "quite another key of this site, of 32" },
      ],
      /not the one that the journal uses/,
    ],
  ];

  it.each(OTHERS)("(%s) is rejected by check, run and reload, and makes no token", async (_, indexKey, why) => {
    await write(SECRET);
    const before = (await lines()).length;
    await withGateway(async (gateway) => {
      await write(indexKey);
      const reloaded = await gateway.reload();
      expect(reloaded).toMatchObject({
        outcome: "refused",
        problems: [
          {
            code: "OCSGW-6274",
            path: expect.stringMatching(/^audit\.index_key/) as string,
            message: expect.stringMatching(why) as string,
          },
        ],
      });
    });
    expect((await lines()).slice(before).map(({ kind }) => kind)).toEqual(["start", "config", "stop"]);
    const said: string[] = [];
    expect(await check({ config: file() }, { stdout: { write: (text) => said.push(text) }, env: {} })).toBe(3);
    expect(said.join("")).toMatch(
      /error\[OCSGW-6274\]: the index key of epoch t1: [^]*help: give the former secret again/,
    );
    expect(said.join("")).toMatch(why);
    const ended = (await lines()).length;
    await expect(withGateway(async () => undefined)).rejects.toThrow(IndexKeyDiffers);
    expect((await lines()).length).toBe(ended);
  });

  // Each row starts three processes; check, run and reload cover the other contents.
  it.each(OTHERS.slice(2, 5))(
    "(%s) ends look-ups, exports and simulations with exit code 8",
    async (_, indexKey, why) => {
      await write(indexKey);
      const out = join(dir, "out.zip");
      const ran = [
        await search(),
        await ocsgwWith(`${PHONE}\n`, "audit", "export", "--phone-stdin", "--as", "bundle", "--out", out, "-c", file()),
        await ocsgw("simulate", "-c", file()),
      ];
      expect(ran.map(({ code }) => code)).toEqual([8, 8, 8]);
      for (const { stdout, stderr } of ran.slice(1)) expect(stdout + stderr).toMatch(why);
      expect(`${ran[0]!.stdout}${ran[0]!.stderr}`).not.toMatch(/^complete/im);
      expect(existsSync(out)).toBe(false);
    },
  );

  it("is rejected by run with the file and the setting", async () => {
    await write("quite another key of this site, of 32");
    const ran = await ocsgw("run", "-c", file());
    expect([ran.code, ran.stderr]).toEqual([
      3,
      expect.stringMatching(
        /ocsgw\.yaml: audit\.index_key, epoch t1: the secret is not the one [^]*give the former secret again/,
      ),
    ]);
  });

  it("does not prevent a search without the key", async () => {
    await write("quite another key of this site, of 32");
    expect((await ocsgw("audit", "search", "kind:start", "-c", file())).code).toBe(0);
  });
});

describe("an index key that matches the journal", () => {
  it("finds every request of a person", async () => {
    await write(SECRET);
    const { code, stdout, stderr } = await search();
    expect([code, stdout.split("\n").length, stderr]).toEqual([
      0,
      2,
      expect.stringMatching(/Index key t1: searched, in use from [^]*\nComplete: /),
    ]);
  });

  it("may get a new epoch by a reload, which journals the check value before the first token", async () => {
    await write(SECRET);
    await withGateway(async (gateway) => {
      await write([
        { epoch: "t1", secret: SECRET },
        { epoch: "t2", secret: "the next key of this site, of 32 and more" },
      ]);
      expect(await gateway.reload()).toMatchObject({ outcome: "reloaded" });
      const reply = await request(`${gateway.listeners[0]!.url}/phones/${PHONE}?req=DoNotCall`, {
        method: "POST",
        headers: { Authorization: basic("alpha") },
      });
      await reply.body.dump();
    });
    const entries = await lines();
    const stated = entries.findIndex(({ index_keys: keys }) => keys !== undefined && "t2" in (keys as object));
    const used = entries.findIndex(({ tokens }) =>
      (tokens as { phone?: string } | undefined)?.phone?.startsWith("t2:"),
    );
    expect([entries[stated]!["change"], stated < used]).toEqual(["reloaded", true]);
    expect((await ocsgw("check", "-c", file())).code).toBe(0);
    await write([
      { epoch: "t1", secret: SECRET },
      { epoch: "t2", secret: "not the next key of this site, of 32" },
    ]);
    expect((await ocsgw("check", "-c", file())).stdout).toMatch(/OCSGW-6274.*epoch t2/);
  });
});

describe("check", () => {
  it.each<[string, (copy: string) => Promise<unknown>]>([
    ["is gone", (copy) => rm(copy)],
    ["is empty", (copy) => writeFile(copy, "")],
    ["is damaged", (copy) => appendFile(copy, "}")],
    ["has other content", (copy) => writeFile(copy, '{"t1":{"check":"00"}}')],
  ])("cannot compare the index key while the copy of the check values %s, until the next start", async (_, damage) => {
    await write([
      { epoch: "t1", secret: SECRET },
      { epoch: "t2", secret: "the next key of this site, of 32 and more" },
    ]);
    await damage(join(dir, "audit/index-keys.json"));
    const { code, stdout } = await ocsgw("check", "-c", file());
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/warning\[OCSGW-6324\]: cannot tell whether this is the key of the journal/),
    ]);
    await withGateway(async () => undefined);
    expect((await ocsgw("check", "-c", file())).stdout).not.toContain("OCSGW-6324");
  });
});
