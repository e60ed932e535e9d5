/**
 * A key that does nothing is an unknown key: every key that the schema knows is read by a gateway that starts and
 * serves one request with a config that has them all, or by the file that is named for it here.
 */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { startGateway } from "../../src/app/start.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { explainRows } from "../../src/settings/schema/schema-tree.ts";
import { KINDS } from "../../src/journal/kinds.ts";
import type { Settings } from "../../src/settings/schema/schema.ts";
import { testAuthority } from "../kit/certificates.ts";
import { basic, keyFor } from "../kit/gateway.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const KEYS = explainRows().map(({ key }) => key);

/** Read later than at a start, or by a command: the file that reads it, and how it stands there. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, as: RegExp]>> = {
  version: ["settings/schema/schema.ts", /version: z\.literal\(1/],
  "upstreams.<name>.allow_plaintext": ["settings/rules/upstreams.ts", /allow_plaintext/],
  ...Object.fromEntries(
    ["as", "do", "body", "tenant", "owner", "expect"].map((key) => [
      `tests[].${key}`,
      ["dry-run/policy-tests.ts", new RegExp(`\\b${key}\\b`)] as const,
    ]),
  ),
  // When a Do-Not-Call is accepted.
  "outbox.give_up": ["app/wiring/outbox/outbox.ts", /outbox\.give_up/],
  "outbox.max": ["app/wiring/outbox/outbox.ts", /outbox\.max/],
  outbox: ["app/wiring/outbox/outbox.ts", /\boutbox\b/],
  tests: ["dry-run/policy-tests.ts", /\btests\b/],
  // Of records that OCS announces, and of fields that are not declared.
  ...Object.fromEntries(
    ["handle_window", "restart_grace"].map((key) => [
      `upstreams.<name>.${key}`,
      ["app/wiring/ownership.ts", new RegExp(key)] as const,
    ]),
  ),
  // By a gateway that shares a database.
  node: ["app/wiring/cluster/cluster.ts", /\bnode !== null/],
  shared: ["app/wiring/cluster/cluster.ts", /settings\.shared/],
  ...Object.fromEntries(
    ["postgres", "password", "schema", "tls", "connections", "statement_timeout"].map((key) => [
      `shared.${key}`,
      ["app/wiring/cluster/cluster.ts", new RegExp(`\\b${key}\\b[^;]*NonNullable<Settings\\["shared"`)] as const,
    ]),
  ),
  ...Object.fromEntries(
    ["ca", "cert", "key", "server_name"].map((key) => [
      `shared.tls.${key}`,
      ["app/wiring/cluster/cluster.ts", new RegExp(`tls\\.${key}\\b`)] as const,
    ]),
  ),
  ...Object.fromEntries(
    ["peers", "peers.address", "peers.common_key", "peers.tls", "peers.tls.ca", "peers.tls.cert", "peers.tls.key"].map(
      (key) =>
        [
          `shared.${key}`,
          ["app/wiring/cluster/peers.ts", new RegExp(`\\b${key.split(".").slice(-2).join("\\.")}\\b`)],
        ] as const,
    ),
  ),
  "shared.allow_plaintext": ["settings/rules/files/shared.ts", /allow_plaintext/],
  // When somebody logs in through the OpenID provider.
  "admin.oidc": ["app/wiring/console.ts", /admin\?\.oidc/],
  ...Object.fromEntries(
    ["issuer", "client_id", "client_secret", "client_auth", "ca", "clock_skew"].map((key) => [
      `admin.oidc.${key}`,
      ["admin/oidc/provider.ts", new RegExp(`\\b${key}\\b[^;]*= this\\.#settings`)] as const,
    ]),
  ),
  ...Object.fromEntries(
    ["name", "address", "scopes"].map((key) => [
      `admin.oidc.${key}`,
      ["admin/oidc/oidc-logins.ts", new RegExp(`settings\\.${key}`)] as const,
    ]),
  ),
  "admin.oidc.claims": ["admin/oidc/claims.ts", /claims: named/],
  ...Object.fromEntries(
    ["user", "role", "tenants"].map((key) => [
      `admin.oidc.claims.${key}`,
      ["admin/oidc/claims.ts", new RegExp(`named\\.${key}`)] as const,
    ]),
  ),
  ...Object.fromEntries(
    ["roles", "roles.viewer", "roles.operator", "roles.auditor"].map((key) => [
      `admin.oidc.${key}`,
      ["admin/oidc/claims.ts", /settings\.roles\[role\]/] as const,
    ]),
  ),
  "admin.oidc.all_tenants": ["admin/oidc/claims.ts", /all_tenants/],
  "upstreams.<name>.callbacks.stale_after": ["app/wiring/ownership.ts", /stale_after/],
  "upstreams.<name>.callbacks.on_timeout": ["app/wiring/ocs-callback-deps.ts", /callbacks\.on_timeout/],
  "upstreams.<name>.callbacks.registrars[].client": ["app/wiring/callbacks.ts", /registrars\.map\(\(\{ client/],
  "audit.redact.others": ["journal/redact.ts", /\bothers\b/],
  "audit.legal_hold": ["app/wiring/journal/retention.ts", /legal_hold/],
  ...Object.fromEntries(
    ["from", "until"].map((key) => [
      `audit.legal_hold[].${key}`,
      ["journal/segments/retention/due-segments.ts", new RegExp(`\\b${key}\\b`)] as const,
    ]),
  ),
  // For people who read the file.
  "audit.legal_hold[].name": ["settings/schema/audit.ts", /Name of the case or request that is the reason/],
  "audit.compress_after": ["app/wiring/journal/segment-maintenance.ts", /compress_after/],
  "audit.retention": ["app/wiring/journal/retention.ts", /retention/],
  ...Object.fromEntries(
    ["default", ...KINDS].map((kind) => [
      `audit.retention.${kind}`,
      ["journal/segments/retention/due-segments.ts", /keep\[|Object\.values\(keep\)/] as const,
    ]),
  ),
  ...Object.fromEntries(
    ["doubt", "retired"].map((name) => [
      `audit.retention.${name}`,
      ["settings/schema/audit.ts", new RegExp(`FORMER = .*${name}`)] as const,
    ]),
  ),
  // Read when somebody has logged in.
  "admin.look_ups": ["app/wiring/journal/jobs/look-ups.ts", /admin!\.look_ups/],
  "admin.session": ["app/wiring/console.ts", /admin\?\.session/],
  ...Object.fromEntries(
    ["idle", "longest"].map((key) => [
      `admin.session.${key}`,
      ["admin/sessions/session-store.ts", new RegExp(`const \\{ .*${key}.* \\} = this.#times`)] as const,
    ]),
  ),
  "config.watch": ["cli/run.ts", /gateway\.watch === "all"/],
  "config.end_marker": ["settings/load.ts", /config\.end_marker === true/],
  end: ["settings/files/end-marker.ts", /value\["end"\] === true/],
};

const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A copy that notes which keys are read. What only writes all of it down, as a comparison does, reads nothing. */
const watching = (value: unknown, pattern: string, read: Set<string>): unknown => {
  if (Array.isArray(value)) return value.map((each) => watching(each, `${pattern}[]`, read));
  if (typeof value !== "object" || value === null) return value;
  const copy = {};
  for (const [key, each] of Object.entries(value)) {
    const stands = known(pattern, key);
    const watched = watching(each, stands, read);
    Object.defineProperty(copy, key, { enumerable: true, configurable: true, get: () => (read.add(stands), watched) });
  }
  return Object.defineProperty(copy, "toJSON", { enumerable: false, value: () => value });
};

const known = (pattern: string, key: string): string => {
  const stands = pattern === "" ? key : `${pattern}.${key}`;
  return KEYS.includes(stands)
    ? stands
    : ([`${pattern}.<name>`, `${pattern}.<action>`].find((each) => KEYS.some((row) => row.startsWith(each))) ?? stands);
};

const everyKey = async (dir: string, primary: string): Promise<string> => {
  const ca = testAuthority("test CA");
  const server = ca.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
  const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const files: Readonly<Record<string, string>> = {
    "ca.pem": ca.certPem,
    "ca.crl": ca.crl(),
    "server.pem": server.certPem,
    "server.key": server.keyPem,
    "jwks.json": JSON.stringify({ keys: [{ ...jwk, kid: "k", alg: "ES256", use: "sig" }] }),
    "keys.yaml": stringify({
      version: 1,
      keys: [
        {
          id: "alpha",
          client: "alpha",
          hash: `sha256:${createHash("sha256").update(keyFor("alpha")).digest("hex")}`,
          created: "2026-01-01T00:00:00Z",
        },
      ],
    }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  const tls = { cert: "server.pem", key: "server.key", min_version: "1.2" };
  const limit = { rate: "50/s", burst: 50 };
  const limits = { requests: limit, urgent: limit, actions: { DoNotCall: limit } };
  const callbacks = {
    bind: "127.0.0.1:0",
    allow_from: ["127.0.0.0/8"],
    tls: { ...tls, client_ca: "ca.pem", client_crl: "ca.crl" },
    validator: "https://127.0.0.1:1/v",
    validator_timeout: "1s",
    validator_ca: "ca.pem",
    on_timeout: "block",
    stale_after: "30m",
    registrars: [{ client: "minter", tenants: ["Alpha"], allow_from: ["127.0.0.0/8"] }],
    trusted_proxies: [{ from: ["127.0.0.9/32"], sends: "forwarded" }],
  };
  const common = {
    lane_isolation: "tenant",
    timeouts: { connect: "2s", answer: "5s" },
    queue: { max: 9, max_bytes: "1MiB", max_wait: "5s" },
    aliases: ["ocs.example:8080"],
    handle_window: 64,
    restart_grace: "0s",
  };
  const pin = `sha256:${"A".repeat(43)}=`;
  const config = {
    version: 1,
    listeners: [
      {
        name: "plain",
        bind: "127.0.0.1:0",
        names: ["gw.example"],
        tls: "none",
        allow_from: ["127.0.0.0/8"],
        trusted_proxies: [{ from: ["127.0.0.9/32"], sends: "forwarded" }],
        errors: "auto",
        accept_content_types: ["text/plain"],
        max_body: "64KiB",
        max_connections: 50,
        max_connections_per_source: 50,
      },
      {
        name: "tls",
        bind: "127.0.0.1:0",
        tls: { ...tls, client_ca: "ca.pem", client_certificates: "request", client_crl: "ca.crl" },
      },
    ],
    identity: {
      jwt: [
        {
          name: "by-file",
          issuer: "https://one.example/",
          audience: "gw",
          jwks_file: "jwks.json",
          algorithms: ["ES256"],
          clock_skew: "30s",
          claims: { client: "azp", tenant: "t" },
          tenants: ["Alpha"],
          max_stale: "24h",
        },
        {
          name: "by-uri",
          issuer: "https://two.example/",
          audience: "gw",
          jwks_uri: "https://127.0.0.1:1/jwks.json",
          tenants: ["Beta"],
        },
      ],
      mtls: [{ name: "rule", san_dns: "a.example", client: "alpha", ca: "ca.pem", tenants: ["Alpha"] }],
      keys: { file: "keys.yaml", carriers: ["basic"] },
      failures: { rate: "10/s", burst: 100 },
    },
    upstreams: {
      plain: {
        primary,
        backup: "http://127.0.0.1:1",
        allow_plaintext: true,
        standby: "closes",
        connections: 1,
        ...common,
        callbacks,
      },
      secure: {
        primary: "https://127.0.0.1:2",
        connections: 1,
        ...common,
        tls: {
          min_version: "1.2",
          ciphers: "DEFAULT",
          ca: "ca.pem",
          cert: "server.pem",
          key: "server.key",
          crl: "ca.crl",
          pins: [pin],
          server_name: "localhost",
        },
      },
    },
    tenants: [
      {
        name: "Alpha",
        dbid: 101,
        upstream: "plain",
        mode: "enforce",
        records: "unscoped",
        campaigns: ["C"],
        lists: ["L"],
        fields: ["F"],
        limits,
        share: 1,
        clients: { alpha: { actions: ["DoNotCall", "ReadStatus"], campaign_groups: [106], limits } },
        campaign_groups: [{ dbid: 106, name: "G", campaign_id: 1, group_id: 2 }],
      },
      { name: "Beta", dbid: 102, upstream: "secure", records: "dedicated" },
    ],
    tests: [{ as: "alpha", do: "POST /phones/4155550100?req=DoNotCall", body: {}, tenant: "Alpha", expect: "allow" }],
    telemetry: {
      otlp: {
        endpoint: "https://127.0.0.1:1/otlp",
        headers: { Authorization: "Bearer x" },
        ca: "ca.pem",
        service_name: "gateway",
        sample: 0.5,
        traces: true,
        logs: true,
      },
    },
    audit: {
      dir: "audit",
      on_failure: "refuse",
      durability: "os",
      disk_timeout: "5s",
      redact: { phone: "last4", customer_id: "token", fields: { F: "keep" }, others: "drop" },
      index_key: [{ epoch: "t1", secret: "an index key for tests only, of 32 and more" }],
      checkpoint: {
        key: "checkpoint.pem",
        origin: "test.example/every",
        every: "60s",
        anchor: "anchor",
        publish: [`file:${dir}/published`],
        witness_quorum: 1,
        witnesses: [
          { url: "http://127.0.0.1:1", key: "w.example/w+ce72b21c+BMgVjy3kAfhAbOAOQkrAzKKvJlbnUhfwWbUEHHMiPVpq" },
        ],
        timestamp: { url: "http://127.0.0.1:1", ca: "ca.pem", every: "1h" },
      },
      retention: Object.fromEntries(["default", ...KINDS].map((kind) => [kind, "900d"])),
      compress_after: "1d",
      legal_hold: [{ name: "case", from: "2026-01-01", until: "2027-01-01" }],
      forward: [
        {
          name: "siem",
          to: "syslog:tls://127.0.0.1:1",
          format: "rfc5424",
          tls: { ca: "ca.pem", cert: "server.pem", key: "server.key", server_name: "localhost" },
          kinds: ["intent"],
          from: "now",
          enterprise_number: 32_473,
          alarm_after: "15m",
        },
      ],
    },
    admin: {
      bind: "127.0.0.1:0",
      tls: { cert: "server.pem", key: "server.key", min_version: "1.2" },
      probes: { bind: "127.0.0.1:0", allow_from: ["127.0.0.0/8"] },
      users: { file: "admins.yaml" },
      session: { idle: "30m", longest: "12h" },
    },
    config: { watch: "all", end_marker: true },
    end: true,
  };
  const file = join(dir, "ocsgw.yaml");
  await writeFile(file, stringify(config, { aliasDuplicateObjects: false }));
  return file;
};

describe("every key of the config", () => {
  it("is read by a running gateway, or by the file named here", { timeout: 60_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-every-"));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const ocs = await rawOcs();
    stops.push(() => ocs.close());
    const file = await everyKey(dir, ocs.url);
    const loaded = await loadSettings(file, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, undefined, 2));
    const read = new Set<string>();
    const settings = watching(loaded.settings, "", read) as Settings;
    const gateway = await startGateway({
      settings,
      configHash: loaded.hash,
      files: loaded.files,
      file,
      adminToken: "token",
    });
    stops.push(() => gateway.stop("test"));
    const reply = await request(`${gateway.listeners[0]!.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    });
    await reply.body.dump();
    expect(reply.statusCode).toBe(200);
    const unread = KEYS.filter((key) => !read.has(key));
    const idle: string[] = [];
    for (const key of unread) {
      const [source, as] = ELSEWHERE[key] ?? ["", /^$/];
      if (source === "" || !as.test(await readFile(new URL(`../../src/${source}`, import.meta.url), "utf8")))
        idle.push(key);
    }
    expect(idle).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((key) => !KEYS.includes(key))).toEqual([]);
  });
});
