/** Why no policy can allow what was refused: each refusal of the gateway is of one kind. */
import { REFUSALS, type Refusal } from "../../gateway/refusals.ts";

export type RefusalKind = "protocol" | "identity" | "other tenant" | "tenant not named" | "record" | "not available";

export const KINDS: Readonly<Record<Refusal, RefusalKind | "policy">> = {
  "no-resource": "protocol",
  "no-registration": "protocol",
  "bad-action": "protocol",
  "bad-json": "protocol",
  "duplicate-scope-key": "protocol",
  "conflicting-names": "protocol",
  "wrong-length": "protocol",
  "body-too-large": "protocol",
  "head-too-large": "protocol",
  // With mode: observe an undeclared field passes, so what was refused is malformed.
  "bad-attribute": "protocol",
  "wrong-method": "protocol",
  "bad-content-type": "protocol",
  "foreign-authority": "protocol",
  ambiguous: "protocol",
  "no-credential": "identity",
  revoked: "identity",
  throttled: "identity",
  "issuer-keys-unavailable": "identity",
  "not-granted": "policy",
  "over-limit": "policy",
  "other-tenant": "other tenant",
  "foreign-object": "other tenant",
  "ambiguous-tenant": "tenant not named",
  "dnc-pending": "not available",
  "no-such-record": "record",
  "handle-expired": "record",
  "handle-taken": "record",
  probing: "record",
  unclear: "record",
  "ownership-unavailable": "record",
  "no-such-request": "protocol",
  "request-unclear": "not available",
  "key-running": "not available",
  "key-reused": "protocol",
  "bad-key": "protocol",
  "too-many-keys": "not available",
  "database-unavailable": "not available",
  "queue-full": "not available",
  "outbox-full": "not available",
  "outbox-unavailable": "not available",
  "queue-timeout": "not available",
  abandoned: "not available",
  unreachable: "not available",
  "no-answer": "not available",
  "connection-lost": "not available",
  "malformed-response": "not available",
  "journal-unavailable": "not available",
  "internal-error": "not available",
};

export type CodeRow = { readonly kind: RefusalKind | "policy"; readonly title: string; readonly advice: string };

/** By code; refusals that share a code are of one kind. */
export const ROWS: ReadonlyMap<string, CodeRow> = new Map(
  (Object.keys(REFUSALS) as Refusal[])
    .toReversed()
    .map((name) => [
      REFUSALS[name].code,
      { kind: KINDS[name], title: REFUSALS[name].title, advice: REFUSALS[name].advice },
    ]),
);
