/** The real line up to the point of sending, with a client that is believed and an OCS that is never asked: what would the policy say? */
import { createLine } from "../gateway/line.ts";
import { REFUSALS } from "../gateway/refusals.ts";
import type { Order, Parts } from "../gateway/words.ts";
import type { Entry } from "../journal/entry.ts";
import { createRedactor } from "../journal/redact.ts";
import { bytesOf, type Arrival, type HeaderLine } from "../message.ts";
import { toTenants } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import { needsOwner, type HandleLease } from "../tenants/ownership.ts";
import { createRegister, type Tenant } from "../tenants/register.ts";

export type Question = {
  readonly client: string;
  readonly method: string;
  /** As in a request line: /phones/4155550100?req=DoNotCall */
  readonly target: string;
  /** JSON text, or nothing. */
  readonly body: string;
  /** What the header Ocsgw-Tenant says. */
  readonly tenant?: string | undefined;
  /** Of a request about a record: the tenant whose handle it is, by name or DBID. Any tenant that asks, when left out. */
  readonly owner?: string | undefined;
};

/** The tenant that is meant, or undefined where none is called so: a name goes before a DBID, as one may be the other's. */
export const tenantCalled = <Of extends { readonly name: string; readonly dbid: number }>(
  tenants: readonly Of[],
  called: string,
): Of | undefined => tenants.find(({ name }) => name === called) ?? tenants.find(({ dbid }) => String(dbid) === called);

/**
 * Whether the answer hangs on whose handle it is, which the question does not say: its client acts for several tenants, and
 * the gateway knows the owner of the handle, which decides.
 */
export const lacksOwner = (
  { tenants }: Pick<Settings, "tenants">,
  { client, owner }: Question,
  { refusal }: Rehearsed,
): boolean =>
  owner === undefined &&
  refusal?.code === REFUSALS["which-tenant"].code &&
  refusal.resource === "records" &&
  tenants.some((tenant) => Object.hasOwn(tenant.clients, client) && needsOwner(tenant));

export type RefusalEntry = Extract<Entry, { kind: "refusal" }>;

/** One of the two: what would be sent, or what the journal would say of the refusal. */
export type Rehearsed = { readonly order: Order | undefined; readonly refusal: RefusalEntry | undefined };

export type Rehearsal = (question: Question) => Promise<Rehearsed>;

/** `applied`: what would be done about it. Left out, what the policy says, also that of a tenant that only observes. */
type How = { readonly applied?: boolean };

const ANY_HANDLE: HandleLease = {
  withdrawn: () => undefined,
  after: () => undefined,
  settle: () => undefined,
  isOwned: () => false,
  reason: () => "unknown: nothing is sent here",
  record: undefined,
};

/** Limits are never used up here: they depend on what came before. */
export const createRehearsal = (settings: Settings, configHash = "", { applied = false }: How = {}): Rehearsal => {
  const register = createRegister(
    toTenants(settings).map((tenant) => ({ ...tenant, observes: applied && tenant.observes })),
  );
  const redact = createRedactor(settings.audit.redact, settings.audit.index_key);
  return async (question) => {
    let [order, refusal]: [Order?, RefusalEntry?] = [];
    const owner = question.owner === undefined ? undefined : tenantCalled(register.tenants, question.owner);
    const isOthers = (tenant: Tenant): boolean =>
      question.owner !== undefined && (tenant.dbid !== owner?.dbid || tenant.upstream !== owner.upstream);
    const parts: Parts = {
      identify: () => ({ client: question.client, credential: { kind: "key", id: "none" } }),
      challenge: "",
      register,
      // Whose a handle is, only OCS and registrars tell: unless the question says it, it is taken for the tenant's own.
      ownership: {
        ask: (tenant) =>
          needsOwner(tenant) && isOthers(tenant) ? { denied: { why: "foreign" }, slow: false } : { lease: ANY_HANDLE },
        ownersAmong: (among) => among.filter((tenant) => !isOthers(tenant)),
      },
      charge: () => ({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined }),
      append: () => Promise.resolve(),
      note: (entry) => void (refusal = entry.kind === "refusal" ? entry : refusal),
      redact,
      send: (wouldSend) => {
        order = wouldSend;
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
      dialect: () => "problem",
      configHash,
    };
    await createLine(parts)(arrivalOf(question));
    return { order, refusal };
  };
};

const arrivalOf = ({ method, target, body, tenant }: Question): Arrival => ({
  id: "rehearsal",
  at: performance.now(),
  method,
  target,
  headers: tenant === undefined ? [] : [["Ocsgw-Tenant", tenant] satisfies HeaderLine],
  source: "",
  listener: "",
  body: () => Promise.resolve(bytesOf(body)),
  surplus: () => Promise.resolve(false),
  gone: new AbortController().signal,
});
