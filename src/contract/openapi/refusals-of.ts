/** Which refusals of the gateway a client can get for an action, by status. */
import type { Action } from "../../ocs/catalog.ts";
import { OUTCOME_DELAYED, REFUSALS, type Refusal, type RefusalRow } from "../../gateway/refusals.ts";
import { repeatOf, type Repeat } from "../../gateway/repeat.ts";

/**
 * `keys`: requests with an Idempotency-Key. `stored`: these and Do-Not-Calls that are handed over. `own`: GET
 * /ocsgw/requests/<id>. `registrars`: registrars of record handles only, on another listener.
 */
type Whose = "all" | "records" | "bodies" | "keys" | "stored" | "own" | "registrars" | "AddRecord" | "DoNotCall";

const WHOSE: Readonly<Record<Refusal, Whose>> = {
  "no-resource": "all",
  "no-registration": "registrars",
  "bad-action": "all",
  "bad-json": "bodies",
  "duplicate-scope-key": "bodies",
  "conflicting-names": "all",
  "wrong-length": "all",
  "body-too-large": "all",
  "head-too-large": "all",
  "bad-attribute": "bodies",
  "wrong-method": "all",
  "bad-content-type": "all",
  "foreign-authority": "all",
  ambiguous: "all",
  "no-credential": "all",
  revoked: "all",
  throttled: "all",
  "issuer-keys-unavailable": "all",
  "not-granted": "all",
  "other-tenant": "all",
  "foreign-object": "all",
  "ambiguous-tenant": "all",
  "no-such-record": "records",
  "handle-expired": "records",
  "handle-taken": "registrars",
  probing: "records",
  "dnc-pending": "AddRecord",
  "over-limit": "all",
  "queue-full": "all",
  "queue-timeout": "all",
  "outbox-full": "DoNotCall",
  abandoned: "all",
  unreachable: "all",
  "no-such-request": "own",
  "request-unclear": "own",
  "key-running": "keys",
  "key-reused": "keys",
  "bad-key": "keys",
  "too-many-keys": "keys",
  "database-unavailable": "stored",
  "no-answer": "all",
  "connection-lost": "all",
  "malformed-response": "all",
  "journal-unavailable": "all",
  "outbox-unavailable": "DoNotCall",
  "ownership-unavailable": "registrars",
  unclear: "records",
  "internal-error": "all",
};

export type ClientRefusal = Pick<RefusalRow, "code" | "status" | "title" | "delivery"> & {
  /** What the client's developer should do. */
  readonly advice: string;
  /** `Ocsgw-Repeat` of this refusal; undefined without the header, or if it depends on the delivery. */
  readonly repeat: Repeat | undefined;
};

export { OUTCOME_DELAYED };

/** In the order of the codes, without those that differ in the operator's part only. */
export const refusalsOf = (action: Action): readonly ClientRefusal[] => {
  const rows = Object.entries(REFUSALS).filter(([name]) => applies(WHOSE[name as Refusal], action));
  const refusals = rows.map(([, row]) => clientRefusal(row, action));
  const seen = new Set<string>();
  return refusals.filter(({ code, status, title }) => {
    const key = `${code} ${status} ${title}`;
    return !seen.has(key) && seen.add(key);
  });
};

const applies = (whose: Whose, { resource, method, name }: Action): boolean =>
  whose === "all" ||
  whose === name ||
  (whose === "records" && resource === "records") ||
  (whose === "bodies" && method === "POST") ||
  (whose === "keys" && name === "AddRecord") ||
  (whose === "stored" && (name === "AddRecord" || name === "DoNotCall"));

const clientRefusal = ({ code, status, title, delivery, advice }: RefusalRow, action: Action): ClientRefusal => ({
  code,
  status,
  title,
  delivery,
  advice: /^Client: (.*?)(?: (?:Operator|Registrar): |$)/.exec(advice)![1]!,
  repeat: delivery === "varies" ? undefined : repeatOf({ status, code, delivery, action, isOwned: true }),
});
