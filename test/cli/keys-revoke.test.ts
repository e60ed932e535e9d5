/** `ocsgw keys revoke` beside a gateway, and `keys list` with keys that `ocsgw revoke` revoked. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keysCreate, keysList, keysRevoke } from "../../src/cli/keys.ts";
import { revoke as revokeCommand, type RevokeOptions } from "../../src/cli/revoke/revoke.ts";
import { createKey, idOfKey } from "../../src/settings/files/api-key.ts";
import { aConfigured, aGateway, basic, twoTenants } from "../kit/gateway.ts";
import { lockHolder } from "../kit/lock-holder.ts";
import { patternOf } from "../kit/pattern.ts";

const CONFIG = twoTenants("http://127.0.0.1:9");
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Said = { readonly code: number; readonly out: string; readonly err: string };
const hear = async (command: (host: Parameters<typeof keysList>[1]) => Promise<number>): Promise<Said> => {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await command({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: {},
  });
  return { code, out: out.join(""), err: err.join("") };
};
const keysRevokeIn = (dir: string, id: string): Promise<Said> =>
  hear((host) => keysRevoke({ config: join(dir, "ocsgw.yaml"), id }, host));
const states = async (dir: string): Promise<readonly string[]> => {
  const { code, out, err } = await hear((host) => keysList({ config: join(dir, "ocsgw.yaml"), json: true }, host));
  expect([code, err]).toEqual([0, ""]);
  return (JSON.parse(out) as readonly { id: string; state: string }[]).map(({ id, state }) => `${id} ${state}`);
};
const revoke = async (dir: string, options: Partial<RevokeOptions>): Promise<Said> => {
  const [out, err]: [string[], string[]] = [[], []];
  const spies = [
    vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line)),
    vi.spyOn(console, "error").mockImplementation((line: string) => void err.push(line)),
  ];
  try {
    return {
      code: await revokeCommand({ config: join(dir, "ocsgw.yaml"), ...options }),
      out: out.join("\n"),
      err: err.join("\n"),
    };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
};
const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};
const statusAt = async (url: string, client: string): Promise<number> =>
  (await fetch(`${url}/campaigngroups/1`, { headers: { Authorization: basic(client) } })).status;

describe("ocsgw keys revoke", () => {
  it("revokes the key at the running gateway, and an older copy of the keys file does not reinstate it", async () => {
    const gateway = await aGateway(CONFIG);
    closing.push(gateway.stop);
    const file = join(gateway.dir, "keys.yaml");
    const before = await readFile(file, "utf8");
    expect(await statusAt(gateway.url, "alpha")).not.toBe(401);
    expect(await keysRevokeIn(gateway.dir, "alpha")).toEqual({
      code: 0,
      out: "",
      err: "key alpha of alpha is revoked: applied by the running gateway\n",
    });
    expect([await statusAt(gateway.url, "alpha"), await statusAt(gateway.url, "beta")]).toEqual([
      401,
      expect.not.toBeOneOf([401]),
    ]);
    expect((await revoke(gateway.dir, { list: true })).out).toBe("key alpha");
    await writeFile(file, before);
    await gateway.gateway.reload();
    expect(await statusAt(gateway.url, "alpha")).toBe(401);
    expect(await states(gateway.dir)).toEqual(["alpha revoked", "beta in force"]);
    expect((await keysRevokeIn(gateway.dir, "alpha")).code).toBe(0);
  });

  it("accepts the whole key too, and does not print its secret", async () => {
    const dir = await aConfigured(CONFIG, ["alpha"]);
    closing.push(() => rm(dir, { recursive: true }));
    const [created, other] = [
      await hear((host) => keysCreate({ config: join(dir, "ocsgw.yaml"), client: "alpha" }, host)),
      createKey(),
    ];
    const key = created.out.trim();
    const damaged = await keysRevokeIn(dir, key.slice(0, -1));
    expect([damaged.code, damaged.err]).toEqual([
      2,
      expect.stringMatching(/^this looks like a whole API key, but a character is missing or wrong/),
    ]);
    const unknown = await keysRevokeIn(dir, other.key);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(new RegExp(`has no key ${other.id}\\n$`))]);
    const done = await keysRevokeIn(dir, key);
    expect([done.code, done.err]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^key ${idOfKey(key)} of alpha is revoked`)),
    ]);
    expect(damaged.err + unknown.err + done.err).not.toMatch(
      new RegExp(`${key.slice(15, 30)}|${other.key.slice(15, 30)}`),
    );
  });

  it("revokes the key at the gateway when the keys file cannot be changed", async () => {
    const gateway = await aGateway(CONFIG);
    closing.push(gateway.stop);
    await writeFile(join(gateway.dir, "keys.yaml.lock"), "");
    expect(await keysRevokeIn(gateway.dir, "alpha")).toMatchObject({
      code: 0,
      err: expect.stringMatching(
        patternOf(
          /^key alpha of alpha is revoked: applied by the running gateway\n/,
          /.*keys\.yaml was not changed, and need not be: another command is changing/,
        ),
      ) as string,
    });
    expect(await statusAt(gateway.url, "alpha")).toBe(401);
    expect(await keysRevokeIn(gateway.dir, "nobody")).toMatchObject({
      code: 1,
      err: expect.stringContaining("has no key nobody") as string,
    });
  });

  it("writes to the journal while no gateway runs", async () => {
    const gateway = await aGateway(CONFIG);
    await gateway.gateway.stop("test");
    closing.push(() => rm(gateway.dir, { recursive: true }));
    expect(await keysRevokeIn(gateway.dir, "alpha")).toMatchObject({
      code: 0,
      err: "key alpha of alpha is revoked: no gateway is running, and the next one that starts will apply it\n",
    });
    expect((await revoke(gateway.dir, { list: true })).out).toBe("key alpha");
  });

  it("is rejected, and the list is uncertain, when the gateway has another audit.dir than the config", async () => {
    const config = { ...CONFIG, admin: { bind: `127.0.0.1:${await freePort()}` }, config: { watch: "none" } };
    const gateway = await aGateway(config);
    closing.push(gateway.stop);
    const moved = { ...config, audit: { ...(CONFIG.audit as object), dir: "elsewhere" } };
    await writeFile(join(gateway.dir, "ocsgw.yaml"), stringify(moved, { aliasDuplicateObjects: false }));
    const says = expect.stringMatching(
      /The journal of the gateway at \S+ is not in \S+elsewhere: undo the change/,
    ) as string;
    expect(await keysRevokeIn(gateway.dir, "alpha")).toMatchObject({ code: 5, err: says });
    expect(await revoke(gateway.dir, { client: "beta" })).toMatchObject({ code: 5, err: says });
    expect(await statusAt(gateway.url, "alpha")).not.toBe(401);
    expect(await revoke(gateway.dir, { list: true })).toMatchObject({ code: 8, err: says });
    const listed = await hear((host) => keysList({ config: join(gateway.dir, "ocsgw.yaml") }, host));
    expect(listed).toMatchObject({ code: 8, err: says });
    expect(existsSync(join(gateway.dir, "elsewhere"))).toBe(false);
  });

  it("fails when the running gateway does not answer, and says how to apply the revocation", async () => {
    const first = await aGateway(CONFIG);
    await first.gateway.stop("test");
    closing.push(() => rm(first.dir, { recursive: true }));
    const holder = await lockHolder(join(first.dir, "audit"));
    closing.push(holder.kill);
    expect(await keysRevokeIn(first.dir, "alpha")).toMatchObject({
      code: 5,
      err: expect.stringMatching(
        patternOf(
          /^key alpha of alpha is revoked in .*keys\.yaml, but the running gateway did not apply it: .* /,
          /The gateway accepts the key until it reloads the file: run ocsgw reload -c \S*ocsgw\.yaml, or restart it\n$/,
        ),
      ) as string,
    });
    expect(await readFile(join(first.dir, "keys.yaml"), "utf8")).toContain("revoked: 20");
  });
});

describe("ocsgw keys list", () => {
  it.each<[string, Partial<RevokeOptions>, readonly string[]]>([
    ["a key", { key: "alpha" }, ["alpha revoked", "beta in force"]],
    ["a client", { client: "beta" }, ["alpha in force", "beta client revoked"]],
    ["a key that was reinstated", { key: "alpha", reinstate: true }, ["alpha in force", "beta in force"]],
  ])("shows what ocsgw revoke did to %s", async (_, options, expected) => {
    const dir = await aConfigured(CONFIG, ["alpha", "beta"]);
    closing.push(() => rm(dir, { recursive: true }));
    if (options.reinstate === true) await revoke(dir, { key: "alpha" });
    expect((await revoke(dir, options)).code).toBe(0);
    expect(await states(dir)).toEqual(expected);
  });

  it("reports that further revocations may exist when the revocations file is damaged", async () => {
    const dir = await aConfigured(CONFIG, ["alpha"]);
    closing.push(() => rm(dir, { recursive: true }));
    await revoke(dir, { key: "alpha" });
    await writeFile(join(dir, "audit/revocations.jsonl"), "damaged\n");
    const { code, out, err } = await hear((host) => keysList({ config: join(dir, "ocsgw.yaml") }, host));
    expect([code, out, err]).toEqual([
      8,
      expect.stringMatching(/alpha +alpha +revoked/),
      expect.stringContaining("further revocations may exist: line 1 of"),
    ]);
  });

  it("warns that a reinstated key stays revoked where the keys file marks it as revoked", async () => {
    const gateway = await aGateway(CONFIG);
    closing.push(gateway.stop);
    await keysRevokeIn(gateway.dir, "alpha");
    expect(await revoke(gateway.dir, { key: "alpha", reinstate: true })).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        patternOf(
          /key alpha is reinstated: applied by the running gateway\n/,
          /key alpha is still marked as revoked in .*keys\.yaml, since 20/,
        ),
      ) as string,
    });
    expect(await states(gateway.dir)).toEqual(["alpha revoked", "beta in force"]);
  });
});
