/** Eight tenants on one pair of OCS, a ninth on a pair of its own, and what their clients ask. */
import { basic } from "../kit/gateway.ts";
import type { RecordingOcs } from "../kit/recording-ocs.ts";
import { below } from "./random.ts";

export const SHARED = [101, 102, 103, 104, 105, 106, 107, 108];
export const ALONE = 109;
export const TENANTS = [...SHARED, ALONE];
/** Client connections of one tenant at a time. */
export const CONNECTIONS = 8;
/**
 * Campaign groups that one client connection reads in turn and nobody else reads: a status in the ledger tells whose it
 * was.
 */
const GROUPS = 4;

export const upstreamOf = (tenant: number): string => (tenant === ALONE ? "alone" : "shared");
export const clientOf = (tenant: number): string => `client-${tenant}`;

const tenantConfig = (dbid: number): unknown => ({
  name: `Tenant ${dbid}`,
  dbid,
  upstream: upstreamOf(dbid),
  records: "unscoped",
  clients: { [clientOf(dbid)]: { actions: ["AddRecord", "DoNotCall", "ReadStatus"] } },
  campaigns: [`Campaign ${dbid}`],
  lists: [`List ${dbid}`],
  campaign_groups: Array.from({ length: CONNECTIONS * GROUPS }, (_, at) => ({
    dbid: dbid * 100 + at,
    name: `Campaign ${dbid}@Agents ${at}`,
  })),
});

/** Where the two upstreams are. */
export type World = {
  readonly shared: Pick<RecordingOcs, "url">;
  readonly alone: Pick<RecordingOcs, "url">;
  readonly laneIsolation?: "tenant" | "none";
  /** Lanes of the shared upstream. */
  readonly lanes?: number;
  /** How long OCS may take. */
  readonly answer?: string;
};

/**
 * What a test can wait for: a turn within 2 s, and by default an answer within 500 ms. The marker is kept in the
 * journal.
 */
export const worldConfig = ({ shared, alone, laneIsolation = "tenant", lanes = 16, answer = "500ms" }: World) => {
  const upstream = (ocs: World["shared"], connections: number): unknown => ({
    primary: ocs.url("primary"),
    backup: ocs.url("backup"),
    connections,
    lane_isolation: laneIsolation,
    timeouts: { connect: "500ms", answer },
    queue: { max: 200, max_wait: "2s" },
  });
  return {
    listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: "none" }],
    identity: { keys: { file: "keys.yaml" } },
    upstreams: { shared: upstream(shared, lanes), alone: upstream(alone, 2) },
    tenants: TENANTS.map(tenantConfig),
    audit: {
      dir: "audit",
      index_key: "an index key for tests only, of 32 and more",
      checkpoint: { key: "checkpoint.pem", origin: "test.example/faults" },
      redact: { fields: { MARK: "keep" } },
    },
  };
};

/** What one request asks. `group` is set for a GET, which carries no marker of its own. */
export type Ask = { readonly marker: string; readonly group: number | undefined; readonly bytes: string };

/**
 * The `count`-th request of the tenant's client connection `seat` (0 to 7). Two of three add a record, one of ten reads
 * a status.
 */
export const anAsk = (tenant: number, seat: number, count: number, random: () => number): Ask => {
  const marker = `${tenant}-${seat}-${count}`;
  const kind = below(random, 10);
  if (kind === 0) return readStatus(tenant, marker, tenant * 100 + seat * GROUPS + (count % GROUPS));
  const phone = `4155550${100 + below(random, 100)}`;
  return kind < 4 ? doNotCall(tenant, marker, phone) : addRecord(tenant, marker, phone);
};

export const addRecord = (tenant: number, marker: string, phone: string): Ask =>
  post(tenant, `/lists/List%20${tenant}?req=AddRecord`, {
    GSW_CAMPAIGN_NAME: `Campaign ${tenant}`,
    GSW_PHONE: phone,
    GSW_TZ_NAME: "PST",
    MARK: marker,
  });

export const doNotCall = (tenant: number, marker: string, phone: string): Ask =>
  post(tenant, `/phones/${phone}?req=DoNotCall`, { MARK: marker });

const readStatus = (tenant: number, marker: string, group: number): Ask => ({
  marker,
  group,
  bytes: [`GET /campaigngroups/${group} HTTP/1.1`, ...common(tenant), "", ""].join("\r\n"),
});

const post = (
  tenant: number,
  target: string,
  body: { readonly MARK: string; readonly [name: string]: string },
): Ask => {
  const text = JSON.stringify(body);
  return {
    marker: body.MARK,
    group: undefined,
    bytes: [`POST ${target} HTTP/1.1`, ...common(tenant), `Content-Length: ${text.length}`, "", text].join("\r\n"),
  };
};

const common = (tenant: number): string[] => ["Host: localhost", `Authorization: ${basic(clientOf(tenant))}`];
