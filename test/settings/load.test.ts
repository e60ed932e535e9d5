import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { loadSettings, loadToRead } from "../../src/settings/load.ts";
import type { Settings } from "../../src/settings/schema/schema.ts";
import { CONTRACT, MINIMAL } from "./contract-sample.ts";
import { mutated, placeOf, problemsIn, read, SAMPLE } from "./kit.ts";

const settingsOf = (text: string, over: Parameters<typeof read>[1] = {}): Settings => {
  const loaded = read(text, over);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded.settings;
};

/** Every file that is asked for is there; the index key is long enough and the keys file empty. */
const authority = createAuthority("test");
const pair = authority.issue({ names: ["ocs-gw.example.internal"], usage: "serverAuth" });
const HELD: Readonly<Record<string, string>> = {
  "keys.yaml": "version: 1\nkeys: []\n",
  "admins.yaml":
    "version: 1\nadmins:\n  - name: alice\n    role: viewer\n    created: 2026-01-01T00:00:00Z\n" +
    "    hash: $argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n",
  "server.crt": pair.certPem,
  "server.key": pair.keyPem,
  "clients-ca.crt": authority.certPem,
  "ocs-ca.crt": authority.certPem,
  "index.key": `${"k".repeat(40)}\n`,
};
const stubs = { readFile: (path: string) => HELD[basename(path)] ?? missing(path) };
const missing = (path: string): never => {
  throw Object.assign(new Error(path), { code: "ENOENT" });
};

/** Every key of the settings with its value, lists by index. */
const flat = (value: unknown, prefix = ""): readonly (readonly [string, unknown])[] =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, each]) => flat(each, prefix === "" ? key : `${prefix}.${key}`))
    : [[prefix, value]];

describe("the sample in config/", () => {
  it("loads unchanged, with the only warning that there are no keys yet", () => {
    const loaded = read(SAMPLE);
    expect(loaded).toMatchObject({ ok: true, counts: { tenants: 2, clients: 4, upstreams: 1, lanes: 4 } });
    expect(problemsIn(SAMPLE).map(({ code }) => code)).toEqual(["OCSGW-6305"]);
  });

  it("has the hash of its text, and the place of each setting", () => {
    const loaded = read(SAMPLE);
    if (!loaded.ok) throw new Error("not loaded");
    expect(loaded.hash).toBe(createHash("sha256").update(SAMPLE).digest("hex"));
    expect(loaded.locate(["tenants", 1, "name"])).toEqual(placeOf(SAMPLE, "Beta Tenant"));
    expect(loaded.locate(["tenants", 1, "clients", "beta-ops", "actions"])).toEqual(placeOf(SAMPLE, "[Load", 1));
    expect(loaded.locate(["tenants", 1, "share"]), "a default: the tenant itself").toEqual(
      placeOf(SAMPLE, "name: Beta Tenant"),
    );
    expect(loaded.locate(["no", "such"]), "nowhere: the file itself").toEqual({ line: 1, column: 1 });
  });

  it("is deeply frozen", () => {
    const settings = settingsOf(SAMPLE);
    expect(() => {
      (settings.tenants[0] as { dbid: number }).dbid = 1;
    }).toThrow(TypeError);
    expect(() => {
      (settings.tenants[0]?.clients["alpha-ops"]?.actions as string[] | undefined)?.push("ForceUnload");
    }).toThrow(TypeError);
  });
});

describe("the complete sample", () => {
  const settings = settingsOf(CONTRACT, stubs);

  it("loads without a warning", () => {
    const loaded = read(CONTRACT, stubs);
    expect(loaded.ok && loaded.warnings).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["version", 1],
    ["listeners.0.bind.host", "0.0.0.0"],
    ["listeners.0.bind.port", 8443],
    ["listeners.0.names.0", "ocs-gw.example.internal"],
    ["listeners.0.tls.cert", "/etc/ocsgw/tls/server.crt"],
    ["listeners.0.tls.client_ca", "/etc/ocsgw/tls/clients-ca.crt"],
    ["listeners.0.max_body", 65_536],
    ["identity.jwt.0.issuer", "https://idp.example.com/"],
    ["identity.jwt.0.clock_skew", 30_000],
    ["identity.jwt.0.claims.tenant", "ocs_tenant"],
    ["identity.mtls.0.san_dns", "ors-*.example.internal"],
    ["identity.keys.file", "/etc/ocsgw/keys.yaml"],
    ["upstreams.ocs-main.primary", "https://ocs1.example.internal:8443"],
    ["upstreams.ocs-main.timeouts.connect", 2000],
    ["upstreams.ocs-main.timeouts.answer", 15_000],
    ["upstreams.ocs-main.queue.max_wait", 5000],
    ["upstreams.ocs-main.tls.ca", "/etc/ocsgw/tls/ocs-ca.crt"],
    ["upstreams.ocs-main.callbacks.bind.port", 8444],
    ["tenants.0.limits.requests.rate.count", 50],
    ["tenants.0.limits.requests.rate.per_ms", 1000],
    ["tenants.0.limits.actions.AddRecord.burst", 40],
    ["tenants.0.campaign_groups.0.group_id", 234],
    ["audit.dir", "/etc/ocsgw/audit"],
    ["audit.index_key", "k".repeat(40)],
    ["audit.checkpoint.key", "/etc/ocsgw/secrets/checkpoint.pem"],
    ["audit.retention.default", 1855 * 86_400_000],
    ["admin.bind.port", 9640],
    ["admin.users.file", "/etc/ocsgw/admins.yaml"],
    ["admin.session.idle", 30 * 60_000],
    ["admin.session.longest", 12 * 3_600_000],
  ])("reads %s", (key, value) => expect(new Map(flat(settings)).get(key)).toEqual(value));

  it("has the defaults of absent settings", () => {
    const shown = new Map(flat(settings));
    const left = flat(settingsOf(MINIMAL, stubs));
    // What a file needs, and what is off when left out, where the contract shows how it would look.
    const given = [
      /^listeners\.0\.(name$|bind|tls\.(cert|key)|names|allow_from)/,
      /^identity\.jwt\.0\.(name|issuer|audience|jwks_uri|claims\.tenant)/,
      /^identity\.(mtls|keys\.file)/,
      /^upstreams\.ocs-main\.(primary|backup|aliases|callbacks|allow_plaintext|tls\.ca)/,
      /^tenants\.0\.(name|dbid|upstream|clients|campaigns|campaign_groups|lists|limits)/,
      /^audit\.(dir|index_key|redact\.fields|checkpoint\.(key|origin))/,
      /^admin\.(bind|users)/,
      /^listeners\.0\.tls\.client_ca/,
    ];
    const isGiven = (key: string): boolean => given.some((pattern) => pattern.test(key));
    const defaults = left.filter(([key]) => !isGiven(key));
    expect(defaults.map(([key]) => key)).toEqual(
      expect.arrayContaining([
        "version",
        "listeners.0.errors",
        "upstreams.ocs-main.connections",
        "tenants.0.mode",
        "tenants.0.share",
        "audit.on_failure",
        "audit.checkpoint.every",
        "admin.tls",
        "tenants.0.records",
        "identity.jwt.0.algorithms.1",
      ]),
    );
    for (const [key, value] of defaults) expect([key, value]).toEqual([key, shown.get(key)]);
    const needed = [...shown.keys()].filter((key) => !isGiven(key));
    expect(left.map(([key]) => key)).toEqual(expect.arrayContaining(needed));
  });
});

describe("a minimal config", () => {
  it("requires a listener, keys, an upstream, a tenant and a journal", () => {
    const text = `listeners: [{ name: clients, bind: "127.0.0.1:0", tls: none }]
identity: { keys: { file: keys.yaml } }
upstreams: { ocs: { primary: "http://127.0.0.1:18080" } }
tenants: [{ name: Alpha Tenant, dbid: 101, upstream: ocs, records: dedicated }]
audit: { dir: ./audit, index_key: ${"k".repeat(32)}, checkpoint: { key: c.pem, origin: example.com/a } }
`;
    expect(settingsOf(text)).toMatchObject({
      listeners: [{ bind: { host: "127.0.0.1", port: 0 }, allow_from: null, names: [] }],
      identity: { jwt: [], mtls: [] },
      upstreams: { ocs: { backup: null, callbacks: null, aliases: [] } },
      tenants: [{ clients: {}, campaigns: [], campaign_groups: [], lists: [], limits: null, fields: "any" }],
      audit: { redact: { fields: {} } },
      admin: null,
    });
    expect(problemsIn(text)).toEqual([]);
  });

  it("has a default burst of twice the rate", () => {
    const settings = settingsOf(mutated(["{ rate: 50/s, burst: 100 }", "{ rate: 300/m }"]));
    expect(settings.tenants[0]?.limits?.requests).toEqual({ rate: { count: 300, per_ms: 60_000 }, burst: 600 });
  });
});

describe("loadSettings", () => {
  let directory: string | undefined;
  afterEach(async () => {
    if (directory) await rm(directory, { recursive: true });
    directory = undefined;
  });
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    directory ??= await mkdtemp(join(tmpdir(), "ocsgw-settings-"));
    await writeFile(join(directory, name), content);
    return join(directory, name);
  };

  it("reads files beside the config file, and makes paths absolute", async () => {
    await write("index.key", `${"0f".repeat(32)}\n`);
    await write("keys.yaml", "version: 1\nkeys: []\n");
    const file = await write(
      "ocsgw.yaml",
      mutated(["${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}", "${file:index.key}"]),
    );
    const loaded = await loadSettings(file, {});
    expect(loaded).toMatchObject({
      ok: true,
      settings: { audit: { index_key: "0f".repeat(32), dir: join(directory as string, "audit") } },
    });
  });

  it("reports a journal directory that is not writable, except to read-only commands", async () => {
    await write("keys.yaml", "version: 1\nkeys: []\n");
    const file = await write("ocsgw.yaml", mutated(["dir: ./audit", "dir: ./keys.yaml/audit"]));
    expect(await loadSettings(file, {})).toMatchObject({
      ok: false,
      problems: [{ code: "OCSGW-6268" }, { code: "OCSGW-6305" }],
    });
    expect((await loadToRead(file)).ok).toBe(true);
  });

  it("reports a missing file as a problem", async () => {
    expect(await loadSettings("/nowhere/at/all.yaml", {})).toMatchObject({
      ok: false,
      problems: [
        { code: "OCSGW-6001", line: 1, column: 1, message: "cannot read /nowhere/at/all.yaml: there is no such file" },
      ],
    });
  });

  it("reports a file that is not UTF-8 as a problem", async () => {
    const file = await write("latin1.yaml", new Uint8Array([0x61, 0x3a, 0x20, 0xe9, 0x0a]));
    expect(await loadSettings(file, {})).toMatchObject({
      ok: false,
      problems: [{ code: "OCSGW-6001", message: `cannot read ${file}: it is not UTF-8` }],
    });
  });
});
