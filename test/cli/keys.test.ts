import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keysCreate, keysList, keysRevoke } from "../../src/cli/keys.ts";
import type { Host } from "../../src/cli/list-file.ts";
import { hashOfKey, idOfKey } from "../../src/settings/files/api-key.ts";
import { mutated, SAMPLE } from "../settings/kit.ts";
import { patternOf } from "../kit/pattern.ts";

let directory: string;
let config: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ocsgw-cli-keys-"));
  config = join(directory, "ocsgw.yaml");
  await writeFile(config, SAMPLE);
});
afterEach(() => rm(directory, { recursive: true }));

const host = (): { host: Host; out: () => string; err: () => string } => {
  const [out, err]: [string[], string[]] = [[], []];
  return {
    host: { stdout: { write: (text) => out.push(text) }, stderr: { write: (text) => err.push(text) }, env: {} },
    out: () => out.join(""),
    err: () => err.join(""),
  };
};

const create = async (client: string, expires?: string): Promise<{ exit: number; out: string; err: string }> => {
  const { host: to, out, err } = host();
  return {
    exit: await keysCreate({ config, client, ...(expires !== undefined && { expires }) }, to),
    out: out(),
    err: err(),
  };
};

const file = (): Promise<string> => readFile(join(directory, "keys.yaml"), "utf8");

const list = async (): Promise<readonly Record<string, unknown>[]> => {
  const { host: to, out } = host();
  expect(await keysList({ config, json: true }, to)).toBe(0);
  return JSON.parse(out()) as Record<string, unknown>[];
};

describe("ocsgw keys create", () => {
  it("prints only the key on stdout and stores only its hash", async () => {
    const { exit, out, err } = await create("alpha-ops");
    const key = out.trimEnd();
    expect(exit).toBe(0);
    expect(out).toBe(`${key}\n`);
    expect(idOfKey(key)).toBeDefined();
    expect(await file()).toContain(hashOfKey(key));
    expect(await file()).not.toContain(key.slice(15, 58));
    expect(err).toContain("never expires");
    expect(err).not.toContain(key.slice(15, 58));
  });

  it("sets an expiry", async () => {
    const before = Date.now();
    expect((await create("alpha-ops", "90d")).exit).toBe(0);
    const [entry] = await list();
    const end = Date.parse(String(entry?.["expires"]));
    expect(end - before).toBeGreaterThan(90 * 86_400_000 - 2000);
    expect(end - before).toBeLessThan(90 * 86_400_000 + 60_000);
  });

  it("restricts a key to tenants of its client, and rejects other tenants", async () => {
    const make = async (...tenant: readonly string[]) => {
      const { host: to, err } = host();
      return { exit: await keysCreate({ config, client: "alpha-ops", tenant }, to), err: err() };
    };
    expect(await make("Beta Tenant")).toEqual({
      exit: 2,
      err: expect.stringContaining("its tenants: Alpha Tenant") as string,
    });
    await expect(file()).rejects.toThrow(/ENOENT/);
    expect([(await make("101")).exit, (await create("alpha-ops")).exit]).toEqual([0, 0]);
    expect(await list()).toMatchObject([{ tenants: ["101"] }, { tenants: null }]);
  });

  it.each(["3000000d", "999999999d"])("rejects an expiry after the year 9999: %s", async (expires) => {
    expect(await create("alpha-ops", expires)).toMatchObject({
      exit: 2,
      out: "",
      err: expect.stringContaining("later than the year 9999") as string,
    });
  });

  it.each(["90", "soon", "0d", "-1d"])("rejects the lifetime %s", async (expires) => {
    expect(await create("alpha-ops", expires)).toMatchObject({
      exit: 2,
      out: "",
      err: expect.stringContaining("expected a duration") as string,
    });
    await expect(file()).rejects.toThrow(/ENOENT/);
  });

  it("rejects an unknown client, and suggests the nearest name", async () => {
    expect(await create("alpha-osp")).toEqual({
      exit: 2,
      out: "",
      err: "unknown client alpha-osp; did you mean alpha-ops?\n",
    });
    expect(await create("zzz")).toEqual({ exit: 2, out: "", err: "unknown client zzz\n" });
  });

  it("rejects an invalid config, and a config without a keys file", async () => {
    const broken = mutated(["dbid: 102", "dbid: 101"]);
    const line = broken.split("\n").findLastIndex((each) => each.includes("    dbid: 101")) + 1;
    await writeFile(config, broken);
    expect(await create("alpha-ops")).toMatchObject({
      exit: 3,
      out: "",
      err: expect.stringContaining(`${config}:${line}:11: OCSGW-6202`) as string,
    });
    await writeFile(
      config,
      mutated([
        '  keys:\n    file: keys.yaml\n    carriers: [basic, "header:X-Api-Key"]\n',
        '  jwt: [{ name: i, issuer: i, audience: a, jwks_uri: "https://idp.example/k" }]\n',
      ]),
    );
    expect(await create("alpha-ops")).toMatchObject({
      exit: 1,
      out: "",
      err: expect.stringContaining("accepts no API keys") as string,
    });
  });

  it("rejects an invalid keys file", async () => {
    await writeFile(join(directory, "keys.yaml"), "version: 1\nkeys: [x]\n");
    expect(await create("alpha-ops")).toMatchObject({ exit: 3, out: "" });
    expect(await file()).toBe("version: 1\nkeys: [x]\n");
  });
});

describe("ocsgw keys list", () => {
  it("shows which keys are in force, and never a hash", async () => {
    const key = (await create("alpha-ops")).out.trimEnd();
    await create("beta-crm", "1d");
    const { host: to, out } = host();
    expect(await keysList({ config }, to)).toBe(0);
    expect(out()).toMatch(
      patternOf(
        /^id +client +state +created +expires\n\S{8} +alpha-ops +in force +\S+Z +never\n/,
        /\S{8} +beta-crm +in force +\S+Z +\S+Z\n$/,
      ),
    );
    expect(out()).not.toContain("sha256");
    expect(await list()).toMatchObject([
      { id: idOfKey(key), client: "alpha-ops", state: "in force", revoked: null },
      { client: "beta-crm" },
    ]);
  });

  it("reports that there is no keys file", async () => {
    const { host: to, err } = host();
    expect(await keysList({ config }, to)).toBe(1);
    expect(err()).toContain("cannot read");
  });
});

describe("ocsgw keys revoke", () => {
  it("revokes a key once, and then says when it was revoked", async () => {
    const id = idOfKey((await create("alpha-ops")).out.trimEnd()) as string;
    const first = host();
    expect(await keysRevoke({ config, id }, first.host)).toBe(0);
    expect(first.err()).toBe(
      `key ${id} of alpha-ops is revoked: no gateway has run yet, and the first one that starts will apply it\n`,
    );
    const again = host();
    expect(await keysRevoke({ config, id }, again.host)).toBe(0);
    expect(again.err()).toMatch(/was already revoked on \d{4}-/);
    expect(await list()).toMatchObject([{ id, state: "revoked" }]);
  });

  it("fails on a key that does not exist", async () => {
    await create("alpha-ops");
    const { host: to, err } = host();
    expect(await keysRevoke({ config, id: "nosuchid" }, to)).toBe(1);
    expect(err()).toContain("has no key nosuchid");
  });
});
