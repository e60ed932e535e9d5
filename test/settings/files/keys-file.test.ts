import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as pass } from "node:timers/promises";
import { mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKey, hashOfKey, idOfKey } from "../../../src/settings/files/api-key.ts";
import { FileEditError } from "../../../src/settings/files/edit-file.ts";
import { addKey, isLive, readKeys, revokeKey } from "../../../src/settings/files/keys-file.ts";
import type { KeyRecord } from "../../../src/settings/files/keys-rows.ts";

const HASH = `sha256:${"ab".repeat(32)}`;
const CREATED = Date.parse("2026-11-22T12:00:00Z");

describe("an API key", () => {
  it("has an id, 256 random bits and a check", () => {
    const { id, key, hash } = createKey();
    expect(key).toMatch(/^ocsgw_[0-9a-hjkmnp-tv-z]{8}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/);
    expect(idOfKey(key)).toBe(id);
    expect(hash).toBe(`sha256:${createHash("sha256").update(key).digest("hex")}`);
    expect(hashOfKey(key)).toBe(hash);
  });

  it("is unique", () => expect(new Set(Array.from({ length: 200 }, () => createKey().key)).size).toBe(200));

  it("is recognized as mistyped by its check", () => {
    const { key } = createKey();
    for (const at of [6, 20, 40, key.length - 1]) {
      const other = key[at] === "7" ? "8" : "7";
      expect(idOfKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
    }
    for (const text of ["", "ocsgw_", `${key}x`, ` ${key}`, "sk_sandbox_alpha-crm"])
      expect(idOfKey(text)).toBeUndefined();
  });
});

describe("readKeys", () => {
  it("reads times as milliseconds and absent values as null", () => {
    const text =
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: "${HASH}", created: 2026-11-22T12:00:00Z }\n  - { id: k2, ` +
      `client: a, hash: "sha256:${"0".repeat(64)}", created: 2026-11-22T12:00:00Z, expires: 2026-11-23T12:00:00Z, ` +
      `revoked: ~, tenants: [Alpha Tenant, "102"] }\n`;
    expect(readKeys(text, "keys.yaml")).toEqual({
      ok: true,
      isEnded: false,
      keys: [
        { id: "k1", client: "a", hash: HASH, created: CREATED, expires: null, revoked: null, tenants: null },
        {
          id: "k2",
          client: "a",
          hash: `sha256:${"0".repeat(64)}`,
          created: CREATED,
          expires: CREATED + 86_400_000,
          revoked: null,
          tenants: ["Alpha Tenant", "102"],
        },
      ],
    });
  });

  it.each<[string, string, string, number, number]>([
    [
      "a key in clear",
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: secret, created: 2026-11-22T12:00:00Z }`,
      "OCSGW-6103",
      3,
      32,
    ],
    [
      "an unknown key",
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: "${HASH}", created: 2026-11-22T12:00:00Z, expire: x }`,
      "OCSGW-6101",
      3,
      138,
    ],
    [
      "a malformed time",
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: "${HASH}", created: yesterday }`,
      "OCSGW-6103",
      3,
      116,
    ],
    [
      "a duplicate id",
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: "${HASH}", created: 2026-11-22T12:00:00Z }\n  - { id: k1, ` +
        `client: a, hash: "sha256:${"0".repeat(64)}", created: 2026-11-22T12:00:00Z }`,
      "OCSGW-6251",
      4,
      11,
    ],
    [
      "one key for two clients",
      `version: 1\nkeys:\n  - { id: k1, client: a, hash: "${HASH}", created: 2026-11-22T12:00:00Z }\n  - { id: k2, ` +
        `client: b, hash: "${HASH}", created: 2026-11-22T12:00:00Z }`,
      "OCSGW-6251",
      4,
      32,
    ],
    ["no version", "keys: []", "OCSGW-6102", 1, 1],
    ["invalid YAML", "keys: [", "OCSGW-6002", 1, 7],
    ["an empty file", "", "OCSGW-6103", 1, 1],
  ])("refuses %s", (_, text, code, line, column) => {
    expect(readKeys(text, "keys.yaml")).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        expect.objectContaining({ code, file: "keys.yaml", line, column }),
      ]) as object[],
    });
  });

  it("treats a key as valid until it expires or is revoked", () => {
    const key: KeyRecord = {
      id: "k",
      client: "a",
      hash: HASH,
      created: 0,
      expires: null,
      revoked: null,
      tenants: null,
    };
    expect([
      isLive(key, 10),
      isLive({ ...key, expires: 11 }, 10),
      isLive({ ...key, expires: 10 }, 10),
      isLive({ ...key, revoked: 20 }, 10),
    ]).toEqual([true, true, false, false]);
  });
});

describe("the keys file", () => {
  let directory: string;
  let file: string;
  const record = (id: string): Omit<KeyRecord, "revoked"> => ({
    id,
    client: "alpha-ops",
    hash: hashOfKey(id),
    created: CREATED,
    expires: null,
    tenants: null,
  });
  const keysNow = async (): Promise<readonly KeyRecord[]> => {
    const read = readKeys(await readFile(file, "utf8"), file);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.keys;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "ocsgw-keys-"));
    file = join(directory, "keys.yaml");
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is created readable for its owner only", async () => {
    await addKey(file, record("k1"));
    expect(await keysNow()).toEqual([{ ...record("k1"), revoked: null }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("keeps comments, order and mode, and leaves no temporary file", async () => {
    await writeFile(
      file,
      `# ours\nversion: 1\nkeys:\n  # the first\n  - { id: k0, client: a, hash: "${HASH}", created: ` +
        `2026-11-22T12:00:00Z } # kept\n`,
      { mode: 0o640 },
    );
    await addKey(file, { ...record("k1"), expires: CREATED + 1000 });
    await revokeKey(file, "k0", CREATED + 2000);
    const text = await readFile(file, "utf8");
    expect(text).toContain("# ours");
    expect(text).toContain("# the first");
    expect(text).toContain("# kept");
    expect(await keysNow()).toMatchObject([
      { id: "k0", revoked: CREATED + 2000 },
      { id: "k1", expires: CREATED + 1000, revoked: null },
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readdir(directory)).toEqual(["keys.yaml"]);
  });

  it("gets one line per key in the sample's empty list", async () => {
    await writeFile(file, await readFile(new URL("../../../config/keys.yaml", import.meta.url)));
    await addKey(file, record("k1"));
    await addKey(file, record("k2"));
    expect((await readFile(file, "utf8")).split("\n").filter((line) => line.startsWith("  - {"))).toHaveLength(2);
  });

  it("is changed in place if it is a symbolic link", async () => {
    const link = join(directory, "link.yaml");
    await addKey(file, record("k1"));
    await symlink(file, link);
    await addKey(link, record("k2"));
    expect((await keysNow()).map(({ id }) => id)).toEqual(["k1", "k2"]);
  });

  it("keeps the time of the first revocation", async () => {
    await addKey(file, record("k1"));
    expect(await revokeKey(file, "k1", CREATED)).toMatchObject({ revoked: null });
    expect(await revokeKey(file, "k1", CREATED + 5000)).toMatchObject({ revoked: CREATED });
    expect(await keysNow()).toMatchObject([{ revoked: CREATED }]);
  });

  it("is unchanged when the change is refused", async () => {
    await addKey(file, record("k1"));
    const before = await readFile(file, "utf8");
    await expect(revokeKey(file, "k9")).rejects.toThrow(new FileEditError(`${file} has no key k9`));
    await writeFile(`${file}.lock`, "");
    await expect(addKey(file, record("k2"))).rejects.toThrow(/another command is changing/);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it.each(["added", "revoked"])("keeps what another program writes in place while a key is %s", async (how) => {
    for (const id of ["k1", "k2"]) await addKey(file, record(id));
    const whole = await readFile(file, "utf8");
    const other = await open(file, "w");
    await other.write(whole.split("\n").slice(0, -2).join("\n") + "\n");
    const changed = how === "added" ? addKey(file, record("k3")) : revokeKey(file, "k1", CREATED);
    await pass(25);
    await other.write(whole.split("\n").slice(-2).join("\n"));
    await other.close();
    await changed;
    expect((await keysNow()).map(({ id }) => id)).toEqual(how === "added" ? ["k1", "k2", "k3"] : ["k1", "k2"]);
    expect((await keysNow())[0]!.revoked).toBe(how === "added" ? null : CREATED);
  });

  it("keeps what another program writes between the reading and the replacement", async () => {
    for (const id of ["k1", "k2"]) await addKey(file, record(id));
    const created = {
      valueOf: () => {
        if (!readFileSync(file, "utf8").includes("# late")) appendFileSync(file, "  # late\n");
        return CREATED;
      },
    };
    await addKey(file, { ...record("k3"), created: created as unknown as number });
    expect((await keysNow()).map(({ id }) => id)).toEqual(["k1", "k2", "k3"]);
    expect(await readFile(file, "utf8")).toContain("# late");
  });

  it("is not changed while another program does not stop writing it", async () => {
    await addKey(file, record("k1"));
    let count = 0;
    const timer = setInterval(() => appendFileSync(file, `# ${count++}\n`), 10);
    try {
      await expect(addKey(file, record("k2"))).rejects.toThrow("another program is writing");
    } finally {
      clearInterval(timer);
    }
    expect((await keysNow()).map(({ id }) => id)).toEqual(["k1"]);
    expect(await readdir(directory)).toEqual(["keys.yaml"]);
  });

  it("is not changed if it is invalid", async () => {
    await writeFile(file, "version: 1\nkeys: [1]\n");
    await expect(addKey(file, record("k1"))).rejects.toMatchObject({ problems: [{ code: "OCSGW-6103" }] });
    expect(await readFile(file, "utf8")).toBe("version: 1\nkeys: [1]\n");
    expect(await readdir(directory)).toEqual(["keys.yaml"]);
  });
});
