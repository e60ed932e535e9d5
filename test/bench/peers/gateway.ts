/**
 * The gateway as an operator runs it: `ocsgw run -c FILE`, with tokens, grants, limits and the journal flushed twice a
 * request.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { SERVICE_ENVIRONMENT } from "../../kit/service-environment.ts";
import type { Certificates } from "../rig/certificates.ts";
import { AUDIENCE, ISSUER } from "../rig/credentials.ts";
import { messageFrom, start, until, type Child } from "../rig/processes.ts";
import { campaignName, clientName, dbidOf, listName, tenantName } from "../rig/requests.ts";
import { program, type Rig, type Upstream } from "../rig/rig.ts";
import type { Peer } from "./peer.ts";

export type GatewayOptions = {
  /** A name within the bench, for its folder. */
  readonly name: string;
  readonly tenants: number;
  readonly lanes: number;
  readonly isolation?: "tenant" | "none";
  /** By tenant, from the first; 1 where left out. */
  readonly shares?: readonly number[];
  /** With a heap that can be asked for. */
  readonly heap?: boolean;
  /** Record handles are whose OCS says they are, on a listener of their own. */
  readonly callbacks?: boolean;
  /** With the listener for health and metrics, at this port or at a free one. */
  readonly admin?: boolean | number;
  /** The text of the file with the console's users. */
  readonly users?: string;
  /** Where compiled code is kept, when not where a checkout keeps it. */
  readonly compiled?: string;
  /** The tenants stand in so many files of tenants.d. */
  readonly files?: number;
  /** Each client has an API key besides, in keys.yaml. */
  readonly keys?: boolean;
  /** With a loop whose longest turn can be asked for. */
  readonly loop?: boolean;
};

export type Heap = {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
};

export type Gateway = Peer & {
  readonly tls: Peer;
  /** Path of its config file. */
  readonly config: string;
  /** The port of the admin listener; 0 without one. */
  readonly admin: number;
  /** The port of the callbacks listener; 0 without one. */
  readonly callbacks: number;
  /** The token that opens the admin API. */
  readonly adminToken: () => string;
  /** Reads the metrics once, as a scraper does, and does nothing with them. */
  readonly scrape: () => Promise<void>;
  /** Milliseconds from the process's start until it listened. */
  readonly startup: number;
  /** Bytes in use after a full collection. */
  readonly heap: () => Promise<Heap>;
  /** The longest turn of the loop since it was last asked, in milliseconds. */
  readonly longestTurn: () => Promise<LongestTurn>;
};

export type LongestTurn = { readonly cpuMs: number; readonly delayMs: number };

export const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;
/** More than anyone sends: what is measured is the counting, not the refusing. */
const LIMITS = {
  requests: { rate: "500000/s", burst: 1_000_000 },
  actions: { DoNotCall: { rate: "500000/s", burst: 1_000_000 } },
};

const ACTIONS = ["DoNotCall", "RequestRecordCancel", "AddRecord", "RecordProcessed", "UpdateCallCompletionStats"];

const tenantsOf = ({ tenants, shares, callbacks }: GatewayOptions): unknown[] =>
  Array.from({ length: tenants }, (_, index) => {
    const tenant = index + 1;
    const clients = Object.fromEntries([1, 2].map((client) => [clientName(tenant, client), { actions: ACTIONS }]));
    const share = shares?.[index];
    return {
      name: tenantName(tenant),
      dbid: dbidOf(tenant),
      upstream: "ocs",
      clients,
      campaigns: [campaignName(tenant)],
      lists: [listName(tenant)],
      records: callbacks ? "pre-dial" : "unscoped",
      fields: ["CUSTOMER_CODE"],
      limits: LIMITS,
      ...(share !== undefined && { share }),
    };
  });

const upstreamOf = (options: GatewayOptions, { port, tls }: Upstream, { ca }: Certificates): unknown => ({
  primary: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
  connections: options.lanes,
  lane_isolation: options.isolation ?? "tenant",
  queue: { max: 1000, max_wait: "30s" },
  ...(tls && { tls: { ca } }),
  ...(options.callbacks && { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } }),
});

const configOf = (options: GatewayOptions, upstream: Upstream, certificates: Certificates): unknown => ({
  listeners: [
    { name: "plain", bind: "127.0.0.1:0", tls: "none" },
    { name: "tls", bind: "127.0.0.1:0", tls: { cert: certificates.cert, key: certificates.key } },
  ],
  identity: {
    jwt: [
      {
        name: "bench",
        issuer: ISSUER,
        audience: AUDIENCE,
        jwks_file: "jwks.json",
        algorithms: ["ES256"],
        claims: { client: "azp" },
      },
    ],
    ...(options.keys && { keys: { file: "keys.yaml" } }),
  },
  upstreams: { ocs: upstreamOf(options, upstream, certificates) },
  ...(options.files === undefined && { tenants: tenantsOf(options) }),
  audit: {
    dir: "audit",
    redact: { fields: { CUSTOMER_CODE: "token" } },
    index_key: "an index key for the bench only, 32 and more",
    checkpoint: { key: "checkpoint.pem", origin: "bench.example/journal" },
  },
  ...(options.admin && {
    admin: {
      bind: `127.0.0.1:${options.admin === true ? 0 : options.admin}`,
      ...(options.users !== undefined && { users: { file: "admins.yaml" } }),
    },
  }),
});

export const startGateway = async (rig: Rig, upstream: Upstream, options: GatewayOptions): Promise<Gateway> => {
  const dir = join(rig.dir, options.name);
  await mkdir(dir, { recursive: true });
  const config = stringify(configOf(options, upstream, rig.certificates), { aliasDuplicateObjects: false });
  const files = {
    "jwks.json": rig.issuer.jwks,
    "ocsgw.yaml": config,
    ...(options.keys && { "keys.yaml": keysOf(options) }),
    ...(options.users !== undefined && { "admins.yaml": options.users }),
  };
  if (options.files !== undefined) await writeParts(join(dir, "tenants.d"), options.files, tenantsOf(options));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text, { mode: 0o600 })));
  const tap = options.heap
    ? ["--expose-gc", "--import", program("heap")]
    : options.loop
      ? ["--import", program("loop")]
      : [];
  const began = performance.now();
  const child = start({
    command: process.execPath,
    args: [...tap, MAIN, "run", "-c", join(dir, "ocsgw.yaml")],
    core: rig.cores?.peer,
    ...((options.heap || options.loop) && { ipc: true }),
    env: {
      ...SERVICE_ENVIRONMENT,
      OCSGW_LOG: "info",
      ...(options.compiled !== undefined && { NODE_COMPILE_CACHE: options.compiled }),
    },
  });
  const extra = [options.callbacks && "callbacks:ocs", options.admin && "admin"];
  const listeners = ["plain", "tls", ...extra.filter((name) => typeof name === "string")];
  await until(child, () => listeners.every((listener) => portOf(child, listener) !== undefined));
  const admin = portOf(child, "admin") ?? 0;
  const adminToken = (): string => readFileSync(join(dir, "audit/admin.token"), "utf8").trim();
  return {
    child,
    port: portOf(child, "plain")!,
    config: join(dir, "ocsgw.yaml"),
    admin,
    tls: { child, port: portOf(child, "tls")!, ca: rig.certificates.caPem },
    callbacks: portOf(child, "callbacks:ocs") ?? 0,
    adminToken,
    scrape: async () => {
      const headers = options.users === undefined ? {} : { Authorization: `Bearer ${adminToken()}` };
      const answer = await fetch(`http://127.0.0.1:${admin}/metrics`, { headers });
      await answer.text();
      if (!answer.ok) throw new Error(`the metrics cannot be read: ${answer.status}`);
    },
    startup: performance.now() - began,
    longestTurn: () => {
      const answer = messageFrom<LongestTurn>(child);
      child.process.send("turn");
      return answer;
    },
    heap: () => {
      const answer = messageFrom<Heap>(child);
      child.process.send("heap");
      return answer;
    },
  };
};

/** As an operator writes them: one key to a line. */
export const keyRow = (id: string, client: string): string =>
  `  - { id: ${id}, client: ${client}, hash: sha256:${createHash("sha256").update(id).digest("hex")}, created: ` +
  `2026-01-01T00:00:00Z }\n`;

const keysOf = ({ tenants }: GatewayOptions): string =>
  `version: 1\nkeys:\n${Array.from({ length: tenants }, (_, at) => [1, 2].map((client) => clientName(at + 1, client)))
    .flat()
    .map((name) => keyRow(name, name))
    .join("")}`;

const writeParts = async (dir: string, count: number, tenants: readonly unknown[]): Promise<void> => {
  await mkdir(dir, { recursive: true });
  const size = Math.ceil(tenants.length / count);
  for (let at = 0; at < count; at++) {
    // Block style, as people write it.
    await writeFile(
      join(dir, `${String(at).padStart(5, "0")}.yaml`),
      stringify(tenants.slice(at * size, (at + 1) * size), { aliasDuplicateObjects: false }),
      { mode: 0o600 },
    );
  }
};

/** From the log line that tells where a listener is. */
const portOf = (child: Child, listener: string): number | undefined => {
  const line = child
    .complaints()
    .split("\n")
    .find((each) => each.includes(`"listener":"${listener}"`));
  const port = /"address":"https?:\/\/[^"]*:(\d+)"/.exec(line ?? "")?.[1];
  return port === undefined ? undefined : Number(port);
};
