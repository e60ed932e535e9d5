/** Eight tenants on one pair of OCS, served by several gateways; OCS announces each record before it dials it. */
import { basic } from "../../kit/gateway.ts";
import type { Relay } from "../../kit/relay.ts";
import { statusOf } from "../../kit/recording-ocs.ts";

export const TENANTS = [101, 102, 103, 104, 105, 106, 107, 108];
/** This tenant has a limit, and clients that exceed it. */
export const LIMITED = 108;
export const LIMIT_PER_S = 40;
/** Lanes of all gateways together. */
export const LANES = 12;
export const SCHEMA = "ocsgw";
/** All gateways name the same OCS; each finds it at an address of its own (`ClusterNode`). */
export const OCS_HOST = "ocs.test";
/** OCS numbers its records so quickly here that a late announcement lies far below the highest one. */
export const HANDLE_WINDOW = 512;

export const clientOf = (tenant: number): string => `client-${tenant}`;

const ACTIONS = ["AddRecord", "DoNotCall", "ReadStatus", "RecordProcessed", "RecordReject"];

const tenantConfig = (dbid: number): unknown => ({
  name: `Tenant ${dbid}`,
  dbid,
  upstream: "shared",
  records: "pre-dial",
  clients: { [clientOf(dbid)]: { actions: ACTIONS } },
  campaigns: [`Campaign ${dbid}`],
  lists: [`List ${dbid}`],
  campaign_groups: [{ dbid: dbid * 100, name: `Campaign ${dbid}@Agents` }],
  ...(dbid === LIMITED && { limits: { requests: { rate: `${LIMIT_PER_S}/s`, burst: LIMIT_PER_S } } }),
});

type Places = Readonly<Record<"database" | "primary" | "backup", Relay>>;

export const clusterConfig = (node: string, { database, primary, backup }: Places) => ({
  node,
  shared: { postgres: `postgresql://postgres@127.0.0.1:${database.port}/postgres`, tls: "none", schema: SCHEMA },
  listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: "none" }],
  identity: { keys: { file: "keys.yaml" } },
  upstreams: {
    shared: {
      primary: `http://${OCS_HOST}:${primary.port}`,
      backup: `http://${OCS_HOST}:${backup.port}`,
      allow_plaintext: true,
      connections: LANES,
      handle_window: HANDLE_WINDOW,
      timeouts: { connect: "500ms", answer: "500ms" },
      queue: { max: 200, max_wait: "2s" },
      callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
    },
  },
  tenants: TENANTS.map(tenantConfig),
  audit: {
    dir: "audit",
    index_key: "an index key for tests only, of 32 and more",
    checkpoint: { key: "checkpoint.pem", origin: `test.example/${node}`, every: "1s" },
    redact: { fields: { MARK: "keep" } },
  },
});

/** `key`: of AddRecord. `isAsync`: a Do-Not-Call that is handed over. */
export type Ask = {
  readonly marker: string;
  readonly tenant: number;
  readonly kind: "add" | "dnc" | "handed-over" | "read" | "finalize";
  readonly bytes: string;
};

const CRLF = "\r\n";

const headOf = (tenant: number, line: string, more: readonly string[]): string =>
  [line, "Host: localhost", `Authorization: ${basic(clientOf(tenant))}`, "Connection: close", ...more, "", ""].join(
    CRLF,
  );

const post = (tenant: number, target: string, body: object, more: readonly string[] = []): string => {
  const text = JSON.stringify(body);
  return headOf(tenant, `POST ${target} HTTP/1.1`, [...more, `Content-Length: ${text.length}`]) + text;
};

export const addRecord = (tenant: number, marker: string, phone: string): Ask => ({
  marker,
  tenant,
  kind: "add",
  bytes: post(
    tenant,
    `/lists/List%20${tenant}?req=AddRecord`,
    { GSW_CAMPAIGN_NAME: `Campaign ${tenant}`, GSW_PHONE: phone, GSW_TZ_NAME: "PST", MARK: marker },
    [`Idempotency-Key: "${marker}"`],
  ),
});

export const doNotCall = (tenant: number, marker: string, phone: string): Ask => ({
  marker,
  tenant,
  kind: "dnc",
  bytes: post(tenant, `/phones/${phone}?req=DoNotCall`, { MARK: marker }),
});

/** OCS takes it sooner or later: the marker is one that it answers with 200. */
export const handedOver = (tenant: number, name: string, phone: string): Ask => {
  let marker = name;
  while (statusOf(marker) !== 200) marker += "+";
  const bytes = post(tenant, `/phones/${phone}?req=DoNotCall`, { MARK: marker }, ["Prefer: respond-async"]);
  return { marker, tenant, kind: "handed-over", bytes };
};

export const readStatus = (tenant: number, marker: string): Ask => ({
  marker,
  tenant,
  kind: "read",
  bytes: headOf(tenant, `GET /campaigngroups/${tenant * 100} HTTP/1.1`, []),
});

export const finalize = (tenant: number, marker: string, handle: number): Ask => ({
  marker,
  tenant,
  kind: "finalize",
  bytes: post(tenant, `/records/${handle}?req=RecordProcessed`, { MARK: marker }),
});

export const requestState = (tenant: number, id: string): string =>
  headOf(tenant, `GET /ocsgw/requests/${id} HTTP/1.1`, []);
