import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { readFirst } from "../../../src/app/config/config-thread.ts";
import { readSettled } from "../../../src/app/config/load-config.ts";
import { cacheIn, readTenantsCache, writeTenantsCache } from "../../../src/app/config/tenants-cache.ts";
import { loadOrCreateKey } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { partOf } from "../../../src/settings/files/config-text.ts";
import { aGateway, twoTenants } from "../../kit/gateway.ts";
import { rawOcs } from "../../kit/raw-ocs.ts";

let dir: string;
let file: string;
const GAMMA = [{ name: "Gamma Tenant", dbid: 103, upstream: "ocs", records: "unscoped" }];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-cache-"));
  file = join(dir, "ocsgw.yaml");
  await mkdir(join(dir, "tenants.d"));
  await mkdir(join(dir, "audit"));
  await writeFile(file, stringify(twoTenants("http://127.0.0.1:9"), { aliasDuplicateObjects: false }));
  await writeFile(join(dir, "tenants.d/gamma.yaml"), stringify(GAMMA));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const place = (key = "checkpoint.pem") => ({ auditDir: join(dir, "audit"), checkpointKey: join(dir, key) });
const written = async (key?: string): Promise<boolean> => {
  const part = partOf(join(dir, "tenants.d/gamma.yaml"), stringify(GAMMA));
  const main = partOf(file, await readFile(file, "utf8"));
  return writeTenantsCache(place(key), {
    text: { main, tenants: [part] },
    parsed: [
      [main.hash, { secret: 1 }],
      [part.hash, GAMMA],
    ],
  });
};

describe("the cache of parsed tenants.d files", () => {
  it("has the parsed files by their hash, without the config file, and only its owner can read it", async () => {
    await loadOrCreateKey(place().checkpointKey);
    expect(await written()).toBe(true);
    const { hash } = partOf("", stringify(GAMMA));
    expect(await readTenantsCache(file)).toEqual([[hash, GAMMA]]);
    expect((await stat(cacheIn(place().auditDir))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      "was changed",
      async () => {
        const text = await readFile(cacheIn(place().auditDir), "utf8");
        await writeFile(cacheIn(place().auditDir), text.replace("Gamma", "Delta"));
      },
    ],
    [
      "was signed with another key",
      async () => {
        await rename(place().checkpointKey, join(dir, "old.pem"));
        await loadOrCreateKey(place().checkpointKey);
      },
    ],
    ["belongs to a key that was deleted", () => rm(place().checkpointKey)],
    [
      "was truncated",
      async () =>
        writeFile(cacheIn(place().auditDir), (await readFile(cacheIn(place().auditDir), "utf8")).slice(0, 90)),
    ],
    ["is empty", () => writeFile(cacheIn(place().auditDir), "")],
    [
      "is a directory",
      async () => {
        await rm(cacheIn(place().auditDir));
        await mkdir(cacheIn(place().auditDir));
      },
    ],
    ["belongs to a config that cannot be read", () => writeFile(file, "[")],
  ])("is ignored when it %s", async (_what, spoil) => {
    await loadOrCreateKey(place().checkpointKey);
    await written();
    expect(await readTenantsCache(file)).toHaveLength(1);
    await spoil();
    expect(await readTenantsCache(file)).toEqual([]);
  });

  it("is not written if the key lies in the journal's directory or does not exist", async () => {
    expect(await written()).toBe(false);
    await loadOrCreateKey(join(dir, "audit/checkpoint.pem"));
    expect(await written("audit/checkpoint.pem")).toBe(false);
    await expect(stat(cacheIn(place().auditDir))).rejects.toThrow("ENOENT");
  });

  it("replaces parsing, and every rule is still applied", async () => {
    const { hash } = partOf("", stringify(GAMMA));
    await writeFile(join(dir, "keys.yaml"), "version: 1\nkeys: []\n");
    const { checked } = await readSettled({ file, parsed: [[hash, [{ ...GAMMA[0], name: "As kept" }]]] });
    expect(checked.ok && checked.settings.tenants.at(-1)?.name).toBe("As kept");
    expect((await readSettled({ file, parsed: [[hash, [{ ...GAMMA[0], dbid: 101 }]]] })).checked).toMatchObject({
      ok: false,
      problems: [{ code: "OCSGW-6202", file: join(dir, "tenants.d/gamma.yaml"), line: 2 }],
    });
  });

  it("is written by a running gateway and read by the next start", { timeout: 60_000 }, async () => {
    const ocs = await rawOcs();
    const gateway = await aGateway(twoTenants(ocs.url));
    try {
      await mkdir(join(gateway.dir, "tenants.d"));
      await writeFile(join(gateway.dir, "tenants.d/gamma.yaml"), stringify(GAMMA));
      expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
      const config = join(gateway.dir, "ocsgw.yaml");
      await vi.waitFor(async () => expect(await readTenantsCache(config)).toHaveLength(1), { timeout: 30_000 });
      const next = await readFirst({ file: config });
      expect(next.ok && next.settings.tenants.map(({ name }) => name)).toEqual([
        "Alpha Tenant",
        "Beta Tenant",
        "Gamma Tenant",
      ]);
    } finally {
      await gateway.stop();
      await ocs.close();
    }
  });
});
