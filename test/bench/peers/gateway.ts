/** The gateway as an operator runs it: `ocsgw run -c FILE`, with tokens, grants, limits and the journal flushed twice a request. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority } from "../../../src/sandbox/certificates.ts";
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
};

export type Heap = { readonly heapUsed: number; readonly external: number; readonly arrayBuffers: number; readonly rss: number };

export type Gateway = Peer & {
  readonly tls: Peer;
  /** The port of the callbacks listener; 0 without one. */
  readonly callbacks: number;
  /** Milliseconds from the process's start until it listened. */
  readonly startup: number;
  /** Bytes in use after a full collection. */
  readonly heap: () => Promise<Heap>;
};

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;
/** More than anyone sends: what is measured is the counting, not the refusing. */
const LIMITS = { requests: { rate: "500000/s", burst: 1_000_000 }, actions: { DoNotCall: { rate: "500000/s", burst: 1_000_000 } } };

const tenantsOf = ({ tenants, shares, callbacks }: GatewayOptions): unknown[] =>
  Array.from({ length: tenants }, (_, index) => {
    const tenant = index + 1;
    const clients = Object.fromEntries([1, 2].map((client) => [clientName(tenant, client), { actions: ["DoNotCall", "RequestRecordCancel", "AddRecord", "RecordProcessed"] }]));
    const share = shares?.[index];
    return {
      name: tenantName(tenant), dbid: dbidOf(tenant), upstream: "ocs", clients, campaigns: [campaignName(tenant)], lists: [listName(tenant)], records: callbacks ? "pre-dial" : "unscoped",
      fields: ["CUSTOMER_CODE"], limits: LIMITS, ...(share !== undefined && { share }),
    };
  });

const configOf = (options: GatewayOptions, upstream: Upstream): unknown => ({
  listeners: [
    { name: "plain", bind: "127.0.0.1:0", tls: "none" },
    { name: "tls", bind: "127.0.0.1:0", tls: { cert: "server.crt", key: "server.key" } },
  ],
  identity: { jwt: [{ name: "bench", issuer: ISSUER, audience: AUDIENCE, jwks_file: "jwks.json", algorithms: ["ES256"], claims: { client: "azp" } }] },
  upstreams: { ocs: { primary: `http://127.0.0.1:${upstream.port}`, connections: options.lanes, lane_isolation: options.isolation ?? "tenant", queue: { max: 1000, max_wait: "30s" }, ...(options.callbacks && { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } }) } },
  tenants: tenantsOf(options),
  audit: { dir: "audit", redact: { fields: { CUSTOMER_CODE: "token" } }, index_key: "an index key for the bench only, 32 and more", checkpoint: { key: "checkpoint.pem", origin: "bench.example/journal" } },
});

export const startGateway = async (rig: Rig, upstream: Upstream, options: GatewayOptions): Promise<Gateway> => {
  const dir = join(rig.dir, options.name);
  await mkdir(dir, { recursive: true });
  const authority = createAuthority("bench");
  const { certPem, keyPem } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
  const files = { "server.crt": certPem, "server.key": keyPem, "jwks.json": rig.issuer.jwks, "ocsgw.yaml": JSON.stringify(configOf(options, upstream)) };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text, { mode: 0o600 })));
  const tap = options.heap ? ["--expose-gc", "--import", program("heap")] : [];
  const began = performance.now();
  const child = start({ command: process.execPath, args: [...tap, MAIN, "run", "-c", join(dir, "ocsgw.yaml")], core: rig.cores?.peer, ...(options.heap && { ipc: true }), env: { OCSGW_LOG: "info" } });
  await until(child, () => portOf(child, options.callbacks ? "callbacks:ocs" : "tls") !== undefined);
  return {
    child,
    port: portOf(child, "plain")!,
    tls: { child, port: portOf(child, "tls")!, ca: authority.certPem },
    callbacks: portOf(child, "callbacks:ocs") ?? 0,
    startup: performance.now() - began,
    heap: () => {
      const told = messageFrom<Heap>(child);
      child.process.send("heap");
      return told;
    },
  };
};

/** From the log line that tells where a listener is. */
const portOf = (child: Child, listener: string): number | undefined => {
  const line = child.complaints().split("\n").find((each) => each.includes(`"listener":"${listener}"`));
  const port = /"address":"https?:\/\/[^"]*:(\d+)"/.exec(line ?? "")?.[1];
  return port === undefined ? undefined : Number(port);
};
