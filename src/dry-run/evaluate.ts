/**
 * What would the policy decide? The real pipeline, with a client whose credential is taken for granted and an OCS that
 * is never asked.
 */
import { createPipeline, type PipelineDeps } from "../gateway/pipeline.ts";
import { REFUSALS } from "../gateway/refusals.ts";
import type { Order } from "../gateway/types.ts";
import type { Entry } from "../journal/entry.ts";
import { createRedactor } from "../journal/redact.ts";
import { bytesOf, type Arrival, type Fault, type HeaderLine } from "../common/message.ts";
import { toTenants } from "../settings/to-tenants.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { needsOwner, type HandleLease } from "../ownership/ownership.ts";
import { createRegistry, type Tenant } from "../tenancy/registry.ts";

export type Question = {
  readonly client: string;
  readonly method: string;
  /** As in a request line: /phones/4155550100?req=DoNotCall */
  readonly target: string;
  /** JSON text, or nothing. */
  readonly body: string;
  /** The header Ocsgw-Tenant. */
  readonly tenant?: string | undefined;
  /** Of a request about a record: the tenant that owns the handle, by name or DBID. Left out: any tenant that asks. */
  readonly owner?: string | undefined;
};

/** By name or DBID; a name goes before a DBID, because a tenant may be named like another's DBID. */
export const findTenant = <Of extends { readonly name: string; readonly dbid: number }>(
  tenants: readonly Of[],
  text: string,
): Of | undefined => tenants.find(({ name }) => name === text) ?? tenants.find(({ dbid }) => String(dbid) === text);

/** Whether the owner of the handle decides, and the question does not name it: its client acts for several tenants. */
export const lacksOwner = (
  { tenants }: Pick<Settings, "tenants">,
  { client, owner }: Question,
  { refusal }: DryRunResult,
): boolean =>
  owner === undefined &&
  refusal?.code === REFUSALS["ambiguous-tenant"].code &&
  refusal.resource === "records" &&
  tenants.some((tenant) => Object.hasOwn(tenant.clients, client) && needsOwner(tenant));

export type RefusalEntry = Extract<Entry, { kind: "refusal" }>;

/** One of the two: what would be sent, or the journal's entry of the refusal. */
export type DryRunResult = { readonly order: Order | undefined; readonly refusal: RefusalEntry | undefined };

export type DryRun = (question: Question) => Promise<DryRunResult>;

/** `applied`: whether `mode: observe` lets requests pass. Left out, refusals of tenants that observe count as well. */
type DryRunOptions = { readonly applied?: boolean };

const ANY_HANDLE: HandleLease = {
  withdrawn: () => undefined,
  after: () => undefined,
  release: () => undefined,
  isOwned: () => false,
  reason: () => "unknown: nothing is sent here",
  record: undefined,
};

/** What of a config decides. */
export type PolicySettings = Pick<Settings, "tenants"> & {
  readonly audit: Pick<Settings["audit"], "redact" | "index_key">;
};

/** Limits are never used up in a dry run: they depend on earlier requests. */
export const createDryRun = (
  settings: PolicySettings,
  configHash = "",
  { applied = false }: DryRunOptions = {},
): DryRun => {
  const registry = createRegistry(
    toTenants(settings).map((tenant) => ({ ...tenant, observes: applied && tenant.observes })),
  );
  const redact = createRedactor(settings.audit.redact, settings.audit.index_key);
  return async (question) => {
    let [order, refusal]: [Order?, RefusalEntry?] = [];
    const owner = question.owner === undefined ? undefined : findTenant(registry.tenants, question.owner);
    const isForeign = (tenant: Tenant): boolean =>
      question.owner !== undefined && (tenant.dbid !== owner?.dbid || tenant.upstream !== owner.upstream);
    const deps: PipelineDeps = {
      identify: () => ({ client: question.client, credential: { kind: "key", id: "none" } }),
      challenge: "",
      registry,
      // Only OCS and registrars know the owner of a handle. Unless the question names it, the asking tenant owns it.
      ownership: {
        requestLease: (tenant) =>
          needsOwner(tenant) && isForeign(tenant)
            ? { denied: { why: "foreign" }, isThrottled: false }
            : { lease: ANY_HANDLE },
        ownersAmong: (among) => among.filter((tenant) => !isForeign(tenant)),
      },
      charge: () => ({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined }),
      append: () => Promise.resolve(),
      note: (entry) => void (refusal = entry.kind === "refusal" ? entry : refusal),
      redact,
      send: (sent) => {
        order = sent;
        return Promise.resolve({
          status: 204,
          headers: [],
          body: bytesOf(""),
          lane: "none",
          endpoint: "none",
          waits: { queue: 0, ocs: 0 },
        });
      },
      observe: () => undefined,
      errorFormat: () => "problem",
      configHash,
    };
    await createPipeline(deps)(arrivalOf(question));
    return { order, refusal };
  };
};

const GET_WITH_BODY: Fault = { kind: "wrong-length", detail: "a GET request must not have a body" };

const arrivalOf = ({ method, target, body, tenant }: Question): Arrival => ({
  id: "dry-run",
  at: performance.now(),
  method,
  target,
  headers: tenant === undefined ? [] : [["Ocsgw-Tenant", tenant] satisfies HeaderLine],
  source: "",
  listener: "",
  // The listener refuses such a request before the pipeline.
  fault: method === "GET" && body !== "" ? GET_WITH_BODY : undefined,
  body: () => Promise.resolve(bytesOf(body)),
  surplus: () => Promise.resolve(false),
  gone: new AbortController().signal,
});
