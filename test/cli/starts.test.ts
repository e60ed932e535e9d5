/** A config starts if and only if `check` accepts it: the sample with any mixture of valid changes and mistakes. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { startGateway } from "../../src/app/start.ts";
import { check } from "../../src/cli/check/check.ts";
import { run } from "../../src/cli/run.ts";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { CORPUS } from "../settings/corpus.ts";
import { SAMPLE } from "../settings/kit.ts";

type Edit = { readonly title: string; readonly taken: string; readonly put: string };

const directory = await mkdtemp(join(tmpdir(), "ocsgw-starts-"));
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const authority = createAuthority("starts");
const [one, other] = [
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
  authority.issue({ names: ["localhost"], usage: "serverAuth" }),
];
const jwk = {
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
  kid: "k1",
  alg: "ES256",
  use: "sig",
};
const BESIDE: Readonly<Record<string, string>> = {
  "keys.yaml":
    `version: 1\nkeys:\n  - { id: k1, client: alpha-ors, hash: ` +
    `"sha256:${createHash("sha256").update("k").digest("hex")}", created: 2026-01-01T00:00:00Z }\n`,
  "broken-keys.yaml": "version: 1\nkeys: [x]\n",
  "server.crt": one.certPem,
  "server.key": one.keyPem,
  "other.key": other.keyPem,
  "ca.crt": authority.certPem,
  "empty.pem": "",
  "jwks.json": JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "shared-secret" }] }),
  "good-jwks.json": JSON.stringify({ keys: [jwk] }),
};
for (const [name, text] of Object.entries(BESIDE)) await writeFile(join(directory, name), text, { mode: 0o600 });
await mkdir(join(directory, "folder"));
await symlink("loop", join(directory, "loop"));

/** Changes that are valid on their own. */
const RIGHT: readonly Edit[] = [
  { title: "TLS", taken: "    tls: none\n", put: "    tls: { cert: server.crt, key: server.key }\n" },
  {
    title: "client certificates",
    taken: "    tls: none\n",
    put: "    tls: { cert: server.crt, key: server.key, client_ca: ca.crt, client_certificates: require }\n",
  },
  {
    title: "another listener",
    taken: "identity:\n",
    put: '  - { name: second, bind: "127.0.0.1:0", tls: none, errors: ocs }\nidentity:\n',
  },
  {
    title: "tokens",
    taken: "  # jwt:\n",
    put: '  jwt: [{ name: idp, issuer: "https://idp.example/", audience: gw, jwks_file: good-jwks.json }]\n  # jwt:\n',
  },
  {
    title: "tokens whose issuer is unreachable",
    taken: "  # jwt:\n",
    put:
      '  jwt: [{ name: idp, issuer: "https://idp.example/", audience: gw, jwks_uri: "http://127.0.0.1:9/jwks.json" ' +
      "}]\n  # jwt:\n",
  },
  { title: "a keys file that does not exist yet", taken: "file: keys.yaml", put: "file: later.yaml" },
  {
    title: "one lane that all tenants share",
    taken: "connections: 4\n    lane_isolation: tenant",
    put: "connections: 1\n    lane_isolation: none",
  },
  { title: "a backup", taken: "    connections: 4", put: "    backup: http://127.0.0.1:10\n    connections: 4" },
  {
    title: "callbacks with TLS",
    taken: "    timeouts: {",
    put:
      '    callbacks: { bind: "127.0.0.1:0", allow_from: [127.0.0.1], tls: { cert: server.crt, key: server.key, ' +
      "client_ca: ca.crt } }\n    timeouts: {",
  },
  { title: "an OCS with TLS", taken: "primary: http://", put: "tls: { ca: ca.crt }\n    primary: https://" },
  { title: "fields by name", taken: "fields: any", put: "fields: [CUSTOMER_CODE]" },
  { title: "observe", taken: "    fields: any", put: "    mode: observe" },
  { title: "no limits", taken: "    limits:\n      requests: { rate: 50/s }\n", put: "" },
  { title: "a share", taken: "    fields: any", put: "    share: 2.5" },
  { title: "another redaction", taken: "phone: last4", put: "phone: token" },
  { title: "no admin listener", taken: "admin: { bind: 127.0.0.1:9640 }\n", put: "" },
  {
    title: "the admin listener with TLS",
    taken: "admin: { bind: 127.0.0.1:9640 }\n",
    put: 'admin: { bind: "127.0.0.1:0", tls: { cert: server.crt, key: server.key } }\n',
  },
  {
    title: "an admin listener with names, and probes as an address",
    taken: "admin: { bind: 127.0.0.1:9640 }\n",
    put: 'admin: { bind: "127.0.0.1:0", names: ["gw.example:*"], probes: "127.0.0.1:0" }\n',
  },
  { title: "a drain with a delay", taken: "admin: { bind: 127.0.0.1:9640 }\n", put: "drain: { delay: 1ms }\n" },
  { title: "no flush", taken: "audit:\n", put: "audit:\n  durability: os\n" },
];
const MISTAKES: readonly Edit[] = CORPUS.flatMap(({ mistakes }) => mistakes);

let number = 0;

/** Writes the config with free ports, no OCS, and a journal of its own. */
const writtenDown = async (text: string): Promise<string> => {
  const config = join(directory, "ocsgw.yaml");
  await writeFile(
    config,
    text
      .replaceAll("127.0.0.1:8443", "127.0.0.1:0")
      .replace("127.0.0.1:9640", "127.0.0.1:0")
      .replaceAll("127.0.0.1:18080", "127.0.0.1:9")
      .replace("dir: ./audit", `dir: ./audit-${number++}`),
  );
  return config;
};

/** Resolves to whether `check` accepted the config, after comparing that with a start. */
const judged = async (text: string): Promise<boolean> => {
  const config = await writtenDown(text);
  const said: string[] = [];
  const accepted = (await check({ config }, { stdout: { write: (line) => said.push(line) }, env: {} })) === 0;
  if (accepted) {
    const loaded = await loadSettings(config, {});
    if (!loaded.ok) throw new Error("check accepts what is not loaded");
    const gateway = await startGateway({
      settings: loaded.settings,
      configHash: loaded.hash,
      files: loaded.files,
      file: config,
    });
    expect(gateway.listeners.length).toBe(loaded.settings.listeners.length);
    await gateway.stop("test");
  } else {
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(await run({ config }), said.join("")).toBe(3);
    vi.restoreAllMocks();
  }
  return accepted;
};

const apply = (text: string, { taken, put }: Edit): string => (taken === "" ? text : text.replace(taken, () => put));

describe("a gateway config", () => {
  it.each(RIGHT.map((each) => [each.title, each] as const))(
    "with %s is accepted by check and starts",
    async (_title, edit) => {
      expect(SAMPLE).toContain(edit.taken);
      expect(await judged(apply(SAMPLE, edit))).toBe(true);
    },
  );

  it("starts if and only if check accepts it, whatever is changed in it", { timeout: 120_000 }, async () => {
    let [accepted, refused] = [0, 0];
    const edits = fc.record({
      right: fc.subarray([...RIGHT], { maxLength: 4 }),
      wrong: fc.option(fc.constantFrom(...MISTAKES), { freq: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(edits, async ({ right, wrong }) => {
        if (await judged([...right, ...(wrong ? [wrong] : [])].reduce(apply, SAMPLE))) accepted++;
        else refused++;
      }),
      { numRuns: 80 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(10);
  });
});
