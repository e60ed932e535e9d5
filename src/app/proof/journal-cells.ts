/** Whether the auditor of one tenant sees anything of another one: in the journal, the console's pages and look-ups. */
import { setTimeout as sleep } from "node:timers/promises";
import { ulid } from "../../common/ulid.ts";
import type { Canary, Nobody } from "./canaries.ts";
import type { Answer, Sent } from "./exchange.ts";
import { faultOf, traceIn } from "./judge.ts";
import type { Tally } from "./tally.ts";
import type { ProofGateway } from "./temporary-gateway.ts";

/** `ids`: of the requests that each canary's tenant has sent. */
type Journal = {
  readonly gateway: Pick<ProofGateway, "askAs">;
  readonly canaries: readonly Canary[];
  readonly nobody: Nobody;
  readonly ids: ReadonlyMap<Canary, readonly string[]>;
};

const get = (target: string): Sent => ({ method: "GET", target });

/** What an auditor can ask without naming a tenant. */
const PAGES = [
  "/api/flows?limit=1000",
  "/api/filter",
  "/api/header",
  "/api/now",
  "/api/tenants",
  "/api/upstreams",
  "/api/dnc/open",
  "/api/dnc/ledger",
  "/api/audit/exports",
] as const;

/** `onTried` is called after each request. */
export const tryJournal = async (journal: Journal, tally: Tally, onTried: () => void): Promise<void> => {
  for (const from of journal.canaries) {
    await seesItsOwn(journal, from, tally);
    for (const page of PAGES) {
      const answer = await journal.gateway.askAs(from.auditor, get(page));
      onTried();
      for (const to of others(journal, from)) {
        const fault = foreignIn(answer, { from, to, journal });
        tally.add({
          from,
          to,
          ...AS_AUDITOR,
          client: from.auditor,
          says: `with GET ${page}`,
          sent: get(page),
          answer,
          fault,
        });
      }
    }
    for (const to of others(journal, from)) await tryNamed(journal, { from, to }, tally, onTried);
  }
};

/** Requests of `tryJournal`, without those that wait for the index. */
export const countJournal = ({ length }: readonly Canary[]): number => length * (PAGES.length + (length - 1) * NAMED);

const AS_AUDITOR = { resource: "journal" } as const;
const NAMED = 4;

const others = ({ canaries }: Journal, from: Canary): Canary[] => canaries.filter((to) => to !== from);

type Pair = { readonly from: Canary; readonly to: Canary };

/** A marker that changes when another tenant is added. */
const OF_THE_WHOLE = /"kind":"(?:start|config)"/;

const foreignIn = (
  { text }: Answer,
  { from, to, journal }: Pair & { readonly journal: Journal },
): string | undefined => {
  if (journal.ids.get(to)?.some((id) => text.includes(id))) return "the answer contains the id of a request";
  if (OF_THE_WHOLE.test(text)) return "the answer contains a start or a config change of the whole gateway";
  const trace = traceIn(text, from, to);
  return trace === undefined ? undefined : `the answer contains ${trace}`;
};

/** What names the other tenant, with the same about none: a request by its id, a tenant by its DBID, a person. */
const tryNamed = async (journal: Journal, { from, to }: Pair, tally: Tally, onTried: () => void): Promise<void> => {
  const { gateway, nobody, ids } = journal;
  const own = from.tenant.dbid === to.tenant.dbid;
  const lookUp = (phone: string): Sent => ({
    method: "POST",
    target: "/api/audit/look-up",
    body: { phone, purpose: "proof of isolation" },
  });
  const filtered = (dbid: number): Sent => get(`/api/flows?filter=tenant:${dbid}`);
  const tries: readonly (readonly [says: string, sent: Sent, absent: Sent])[] = [
    ["by the id of a request", get(`/api/flows/${ids.get(to)?.[0] ?? ulid()}`), get(`/api/flows/${ulid()}`)],
    ["by the tenant's DBID", get(`/api/tenants/${to.tenant.dbid}`), get(`/api/tenants/${nobody.dbid}`)],
    ["by looking up a phone number", lookUp(to.phone), lookUp("4155550199")],
    ["by a filter with the tenant's DBID", filtered(to.tenant.dbid), filtered(nobody.dbid)],
  ];
  for (const [says, sent, absent] of tries) {
    onTried();
    if (own && /DBID/.test(says)) continue;
    const [answer, other] = [await gateway.askAs(from.auditor, sent), await gateway.askAs(from.auditor, absent)];
    // A filter and a look-up are answered, with nothing of the other tenant in it.
    const isEmpty = answer.status === 200 && /filter=|look-up$/.test(sent.target);
    const fault =
      foreignIn(answer, { from, to, journal }) ??
      (isEmpty ? undefined : faultOf({ from, to, answer, absent: other, received: 0 }));
    tally.add({ from, to, ...AS_AUDITOR, client: from.auditor, says, sent, answer, fault });
  }
};

const PATIENCE_MS = 10_000;

/** Otherwise it would prove nothing that others' requests are not there. */
const seesItsOwn = async ({ gateway, ids }: Journal, of: Canary, tally: Tally): Promise<void> => {
  const [own] = ids.get(of) ?? [];
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { status, text } = await gateway.askAs(of.auditor, get(PAGES[0]));
    if (own !== undefined && text.includes(own)) return;
    if (own === undefined || performance.now() > until)
      return void tally.missing.add(
        `journal: an auditor of ${of.tenant.name} did not see the tenant's own requests (${status})`,
      );
    await sleep(100);
  }
};
