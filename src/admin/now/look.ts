/** What needs a look: rows that an operator can act on, the most urgent kind first. The console has the words. */
import { LOOK_KINDS, type Look } from "../api/now-schema.ts";
import { looksLikePhone } from "../../journal/search/filter/text.ts";
import type { UpstreamState } from "../status.ts";
import { isUp } from "./connections.ts";
import { seesAll, seesUpstream, visibleTenants, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";
import { tenantAt, tenantsWith } from "./tenant-index.ts";

/** Fewer refusals of one client with one code in ten minutes happen every day. */
export const MANY_REFUSALS = 10;
/** OCS usually accepts a Do-Not-Call at once, and a client repeats a failed one. Milliseconds. */
export const OPEN_TOO_LONG_MS = 600_000;
/** Checkpoints that were missed, times their interval. */
const MISSED_CHECKPOINTS = 3;
const MOST_ROWS = 50;
const WINDOW = "since:10m";

type RowOf = Partial<Look> & Pick<Look, "kind">;

/** `only`: of this tenant alone. */
export const lookOf = (sight: Sight, sources: NowSources, only?: TenantFacts): Look[] => {
  const tenants = only ? [only] : visibleTenants(sight, sources);
  const rows = [
    ...codeRows(sight, sources, tenants, only !== undefined),
    ...dncRows(sources, tenants),
    ...upstreamRows(only ? { tenants: [only.dbid] } : sight, sources, tenants),
    ...(seesAll(sight) && !only ? gatewayRows(sources) : []),
  ];
  return rows
    .map((row): Look => ({ ...EMPTY, ...row }))
    .toSorted((one, other) => RANKS.get(one.kind)! - RANKS.get(other.kind)! || (other.count ?? 0) - (one.count ?? 0))
    .slice(0, MOST_ROWS);
};

const EMPTY: Omit<Look, "kind"> = {
  code: null,
  title: null,
  tenant: null,
  client: null,
  upstream: null,
  count: null,
  since: null,
  until: null,
  text: null,
  filter: null,
};

const RANKS = new Map(LOOK_KINDS.map((kind, rank) => [kind, rank]));

/** Clients that got a code often, and every request without an answer, in the last ten minutes. */
function* codeRows(
  sight: Sight,
  { recent, titleOf }: NowSources,
  tenants: readonly TenantFacts[],
  isOne: boolean,
): Iterable<RowOf> {
  for (const { tenant: key, client, code, isSent, count, since } of recent.clientCodes.rows(recent.now())) {
    if (!isSent && count < MANY_REFUSALS) continue;
    const tenant = key && tenantAt(tenants, key);
    if (!tenant && (isOne || key || !seesAll(sight))) continue;
    yield {
      kind: isSent ? "no-answer" : "refusals",
      code,
      title: titleOf(code) ?? null,
      tenant: tenant ? { dbid: tenant.dbid, name: tenant.name } : null,
      client: client ?? null,
      count,
      since: new Date(Date.now() - (recent.now() - since) * 1000).toISOString(),
      filter: filterOf(`code:${code}`, tenant && `tenant:${tenant.dbid}`, clientTerm(client), WINDOW),
    };
  }
}

const filterOf = (...terms: readonly (string | undefined)[]): string =>
  terms.filter((term) => term !== undefined).join(" ");

/** A name that looks like a phone number cannot be part of a filter. */
const clientTerm = (client: string | undefined): string | undefined =>
  client === undefined || looksLikePhone(client) ? undefined : `client:${client}`;

function* dncRows({ openDoNotCalls }: NowSources, tenants: readonly TenantFacts[]): Iterable<RowOf> {
  for (const { upstream, dbid, open, oldest } of openDoNotCalls() ?? []) {
    if (upstream === null || dbid === null) continue;
    const tenant = upstream === "" ? tenantsWith(tenants, dbid)[0] : tenantAt(tenants, { upstream, dbid });
    const since = oldest / 1000;
    if (!tenant || Date.now() - since < OPEN_TOO_LONG_MS) continue;
    const { name } = tenant;
    yield {
      kind: "open-dnc",
      tenant: { dbid, name },
      count: open,
      since: new Date(since).toISOString(),
      filter: `action:DoNotCall -is:ok tenant:${dbid}`,
    };
  }
}

function* upstreamRows(sight: Sight, { upstreams }: NowSources, tenants: readonly TenantFacts[]): Iterable<RowOf> {
  const isVisible = seesUpstream(sight, tenants);
  for (const state of upstreams()) {
    if (!isVisible(state.name)) continue;
    if (!isUp(state)) yield { kind: "ocs-down", upstream: state.name, text: addressesOf(state) };
    for (const { endpoint, standby } of state.endpoints)
      if (standby && !standby.healthy)
        yield {
          kind: "standby",
          upstream: state.name,
          text: endpoint,
          since: new Date(Date.now() - standby.since).toISOString(),
        };
  }
}

const addressesOf = ({ endpoints }: UpstreamState): string => endpoints.map(({ endpoint }) => endpoint).join(", ");

function* gatewayRows({ certificates, checkpoint, otherWarnings }: NowSources): Iterable<RowOf> {
  const { age, every } = checkpoint();
  if (age > MISSED_CHECKPOINTS * every)
    yield { kind: "checkpoint", since: new Date(Date.now() - age).toISOString(), count: Math.floor(age / every) };
  for (const { of, what, notAfter, warnFrom } of certificates())
    if (Date.now() >= warnFrom)
      yield { kind: "certificate", text: `${of}.${what}`, until: new Date(notAfter).toISOString() };
  for (const text of otherWarnings()) yield { kind: "warning", text };
}
