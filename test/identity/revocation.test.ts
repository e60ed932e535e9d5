/** What is revoked counts for nothing at once, over restarts, and says so in the journal. */
import { createHash, X509Certificate } from "node:crypto";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { startGateway } from "../../src/app/start.ts";
import type { Gateway } from "../../src/app/gateway.ts";
import { revoke as revokeCommand, type RevokeOptions } from "../../src/cli/revoke/revoke.ts";
import { keepReloading } from "../../src/cli/run.ts";
import { createKey } from "../../src/settings/files/api-key.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { testAuthority } from "../kit/certificates.ts";
import { ocsgw } from "../kit/command.ts";
import { basic, keyFor, twoTenants } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { anIssuer, ecPair, es256, jwkOf } from "./kit.ts";

const PATIENT = { timeout: 20_000, interval: 10 };
const pair = ecPair();
const token = (jti: string): string => {
  const now = Math.floor(Date.now() / 1000);
  return es256(
    pair.privateKey,
    { alg: "ES256", kid: "k" },
    { iss: anIssuer().issuer, aud: "ocs-gateway", azp: "alpha", iat: now, exp: now + 600, jti },
  );
};

describe("a revocation", () => {
  let dir: string;
  let config: string;
  let ocs: RawOcs;
  let gateway: Gateway;
  let stopReloading: () => Promise<void>;

  const start = async (): Promise<void> => {
    const loaded = await loadSettings(config, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    gateway = await startGateway({
      settings: loaded.settings,
      configHash: loaded.hash,
      files: loaded.files,
      file: config,
    });
    stopReloading = await keepReloading(gateway);
  };
  const stop = async (): Promise<void> => {
    await stopReloading();
    await gateway.stop("test");
  };
  const ask = async (authorization: string): Promise<number> => {
    const answer = await fetch(`${gateway.listeners[0]!.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization },
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  /** The command within this process: a process of its own takes its time to start. */
  const revoke = async (
    options: Partial<RevokeOptions>,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> => {
    const [stdout, stderr]: [string[], string[]] = [[], []];
    const spies = [
      vi.spyOn(console, "log").mockImplementation((line: string) => void stdout.push(`${line}\n`)),
      vi.spyOn(console, "error").mockImplementation((line: string) => void stderr.push(`${line}\n`)),
    ];
    try {
      return { code: await revokeCommand({ config, ...options }), stdout: stdout.join(""), stderr: stderr.join("") };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  };
  const configEntries = async (): Promise<readonly string[]> => {
    const text = await readFile(join(dir, "audit/segments/000000000000.jsonl"), "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; change?: string; detail?: string })
      .filter(({ kind }) => kind === "config")
      .map(({ change, detail }) => `${change}: ${detail}`);
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocsgw-revoke-"));
    ocs = await rawOcs();
    const key = (client: string) => ({
      id: client,
      client,
      hash: `sha256:${createHash("sha256").update(keyFor(client)).digest("hex")}`,
      created: "2026-01-01T00:00:00Z",
    });
    await writeFile(join(dir, "keys.yaml"), stringify({ version: 1, keys: [key("alpha"), key("beta")] }));
    await writeFile(join(dir, "jwks.json"), JSON.stringify({ keys: [jwkOf(pair.publicKey, { kid: "k" })] }));
    config = join(dir, "ocsgw.yaml");
    const { name, issuer, audience } = anIssuer();
    await writeFile(
      config,
      stringify(
        {
          ...twoTenants(ocs.url),
          identity: { keys: { file: "keys.yaml" }, jwt: [{ name, issuer, audience, jwks_file: "jwks.json" }] },
          admin: { bind: "127.0.0.1:0" },
        },
        { aliasDuplicateObjects: false },
      ),
    );
    await start();
  });
  afterEach(async () => {
    await stop();
    await ocs.close();
    await rm(dir, { recursive: true, force: true });
  });

  it.each<[string, Omit<RevokeOptions, "config">, () => string]>([
    ["token", { token: "one" }, () => `Bearer ${token("one")}`],
    ["key", { key: "alpha" }, () => basic("alpha")],
    ["client by its key", { client: "alpha" }, () => basic("alpha")],
    ["client by its token", { client: "alpha" }, () => `Bearer ${token("two")}`],
  ])("of a %s takes effect at once, survives a restart, and ends when it is removed", async (_, args, credential) => {
    const shown = credential();
    expect([await ask(shown), await ask(basic("beta"))]).toEqual([200, 200]);
    const ran = await revoke(args);
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining("applied by the running gateway")]);
    expect([await ask(shown), await ask(basic("beta"))]).toEqual([401, 200]);
    await stop();
    await start();
    expect([await ask(shown), await ask(basic("beta"))]).toEqual([401, 200]);
    const sent = ocs.requests();
    expect((await revoke({ ...args, reinstate: true })).code).toBe(0);
    expect(await ask(shown)).toBe(200);
    expect(ocs.requests()).toBe(sent + 1);
    expect(await configEntries()).toEqual([
      expect.stringMatching(/^revoked: \w+ \w+ is revoked/),
      expect.stringMatching(/^lifted: \w+ \w+ is reinstated/),
    ]);
  });

  it("does not affect other tokens of the client, and expires at its time", async () => {
    const [one, two] = [token("one"), token("two")];
    await revoke({ token: "one", until: "5s" });
    expect([await ask(`Bearer ${one}`), await ask(`Bearer ${two}`)]).toEqual([401, 200]);
    await expect.poll(() => ask(`Bearer ${one}`), PATIENT).toBe(200);
  });

  it("is journaled at once while no gateway runs, and takes effect with the next start", async () => {
    await stop();
    const ran = await revoke({ client: "alpha" });
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining("written to the journal in")]);
    expect(await configEntries()).toEqual(["revoked: client alpha is revoked"]);
    await start();
    expect(await ask(basic("alpha"))).toBe(401);
    expect(await configEntries()).toEqual(["revoked: client alpha is revoked"]);
  });

  it("takes effect soon after it is written to the file, and is then journaled", async () => {
    await appendFile(
      join(dir, "audit/revocations.jsonl"),
      `{"at":"2026-11-22T12:00:00Z","kind":"client","id":"alpha"}\n`,
    );
    await expect.poll(() => ask(basic("alpha")), PATIENT).toBe(401);
    await expect
      .poll(configEntries, PATIENT)
      .toEqual([
        expect.stringMatching(/^revocations: 1 revocations are in force; 1 of them were only in .*revocations\.jsonl$/),
      ]);
    await appendFile(
      join(dir, "audit/revocations.jsonl"),
      `{"at":"2026-11-22T12:00:00Z","kind":"client","id":"beta"}\n`,
    );
    await expect.poll(configEntries, PATIENT).toEqual([expect.anything(), "revoked: client beta is revoked"]);
    expect(await ask(basic("beta"))).toBe(401);
  });

  it("is not reported as missing if the list cannot be read", async () => {
    expect(await revoke({ list: true, config: join(dir, "nowhere.yaml") })).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("nowhere.yaml has no valid audit.dir"),
    });
  });

  it("is listed, and rejected with a message if it is malformed", async () => {
    const ran = await ocsgw("revoke", "-c", config, "--key", "alpha");
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining("applied by the running gateway")]);
    expect((await revoke({ list: true })).stdout).toBe("key alpha\n");
    for (const [args, words] of [
      [{}, /expected exactly one of/],
      [{ key: "a", client: "b" }, /expected exactly one of/],
      [{ client: "alpa" }, /did you mean `alpha`/],
      [{ key: "alpha", until: "yesterday" }, /--until/],
      [{ key: "alpha", until: "2020-01-01T00:00:00Z" }, /a time in the future/],
    ] as const) {
      const refused = await revoke(args);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(words)]);
    }
  });

  it("accepts a whole key for its id, and a fingerprint for a certificate", async () => {
    const { id, key, hash } = createKey();
    await writeFile(
      join(dir, "keys.yaml"),
      stringify({ version: 1, keys: [{ id, client: "alpha", hash, created: "2026-01-01T00:00:00Z" }] }),
    );
    const { fingerprint256 } = new X509Certificate(testAuthority("one").certPem);
    expect([(await revoke({ key })).code, (await revoke({ certificate: fingerprint256 })).code]).toEqual([0, 0]);
    expect((await revoke({ list: true })).stdout).toBe(
      `key ${id}\ncertificate ${Buffer.from(fingerprint256.replaceAll(":", ""), "hex").toString("base64url")}\n`,
    );
    const refused = await revoke({ key: key.slice(0, -1) });
    expect([refused.code, refused.stderr]).toEqual([2, "id: expected the id of a key, not the key itself\n"]);
    expect(await readFile(join(dir, "audit/revocations.jsonl"), "utf8")).not.toContain(key.slice(15, -10));
  });

  it("requires the admin token", async () => {
    const answer = await fetch(`${gateway.admin}/api/revocations`, {
      method: "POST",
      body: JSON.stringify({ kind: "client", id: "alpha" }),
    });
    expect(answer.status).toBe(401);
    expect(await ask(basic("alpha"))).toBe(200);
  });

  it("of a key in the keys file takes effect soon", async () => {
    expect(await ask(basic("alpha"))).toBe(200);
    await ocsgw("keys", "revoke", "alpha", "-c", config);
    await expect.poll(() => ask(basic("alpha")), PATIENT).toBe(401);
    expect(await ask(basic("beta"))).toBe(200);
  });
});
