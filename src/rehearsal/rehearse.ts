/** The real line up to the point of sending, with a client that is believed and an OCS that is never asked: what would the policy say? */
import { createLine } from "../gateway/line.ts";
import type { Order, Parts } from "../gateway/words.ts";
import type { Entry } from "../journal/entry.ts";
import { createRedactor } from "../journal/redact.ts";
import { bytesOf, type Arrival, type HeaderLine } from "../message.ts";
import { toTenants } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import type { HandleLease } from "../tenants/ownership.ts";
import { createRegister } from "../tenants/register.ts";

export type Question = {
  readonly client: string;
  readonly method: string;
  /** As in a request line: /phones/4155550100?req=DoNotCall */
  readonly target: string;
  /** JSON text, or nothing. */
  readonly body: string;
  /** What the header Ocsgw-Tenant says. */
  readonly tenant?: string | undefined;
};

export type RefusalEntry = Extract<Entry, { kind: "refusal" }>;

/** One of the two: what would be sent, or what the journal would say of the refusal. */
export type Rehearsed = { readonly order: Order | undefined; readonly refusal: RefusalEntry | undefined };

export type Rehearsal = (question: Question) => Promise<Rehearsed>;

/** `applied`: what would be done about it. Left out, what the policy says, also that of a tenant that only observes. */
type How = { readonly applied?: boolean };

const ANY_HANDLE: HandleLease = {
  withdrawn: () => undefined, after: () => undefined, settle: () => undefined, isOwned: () => false, reason: () => "unknown: nothing is sent here", record: undefined,
};

/** Limits are never used up here: they depend on what came before. */
export const createRehearsal = (settings: Settings, configHash = "", { applied = false }: How = {}): Rehearsal => {
  const register = createRegister(toTenants(settings).map((tenant) => ({ ...tenant, observes: applied && tenant.observes })));
  const redact = createRedactor(settings.audit.redact, settings.audit.index_key);
  return async (question) => {
    let [order, refusal]: [Order?, RefusalEntry?] = [];
    const parts: Parts = {
      identify: () => ({ client: question.client, credential: { kind: "key", id: "none" } }),
      challenge: "",
      register,
      // Whose a handle is, only OCS and registrars tell: here it is taken for the tenant's own.
      ownership: { ask: () => ({ lease: ANY_HANDLE }), ownersAmong: (among) => among },
      charge: () => ({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined }),
      append: () => Promise.resolve(),
      note: (entry) => void (refusal = entry.kind === "refusal" ? entry : refusal),
      redact,
      send: (wouldSend) => {
        order = wouldSend;
        return Promise.resolve({ status: 204, headers: [], body: bytesOf(""), lane: "none", endpoint: "none", waits: { queue: 0, ocs: 0 } });
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
  id: "rehearsal", at: performance.now(), method, target, headers: tenant === undefined ? [] : [["Ocsgw-Tenant", tenant] satisfies HeaderLine],
  source: "", listener: "", body: () => Promise.resolve(bytesOf(body)), surplus: () => Promise.resolve(false), gone: new AbortController().signal,
});
