/**
 * Which identifiers of the person a request does not contain, so that a person search cannot find it: OCS's record
 * handle is neither phone number nor customer id, and a chain has records with further numbers.
 */

/**
 * `phone`, `customer`: the request has no such token. `chain`: it concerns further numbers. `tenant`: it was refused
 * before its tenant was known.
 */
export const MISSING_NAMES = ["phone", "customer", "chain", "tenant"] as const;
export type MissingName = (typeof MISSING_NAMES)[number];

/** Members of an entry, of whatever kind. */
type Members = { readonly [name: string]: unknown };

/** Actions that concern a person on any resource. On records every action does. */
const PERSON_ACTIONS: ReadonlySet<unknown> = new Set(["DoNotCall", "RequestRecordCancel"]);
/** A flood entry counts identical requests with the same identifiers. */
const REQUEST_KINDS: ReadonlySet<unknown> = new Set(["intent", "refusal", "in-doubt", "flood"]);

/**
 * For an intent, a refusal, a flood entry with an action, or an outcome without its intent. Undefined if nothing is
 * missing, and for unauthenticated clients.
 */
export const missingNamesIn = (asked: Members): readonly MissingName[] | undefined => {
  if (!REQUEST_KINDS.has(asked["kind"]) || typeof asked["client"] !== "string") return undefined;
  if (asked["resource"] !== "records" && !PERSON_ACTIONS.has(asked["action"])) return undefined;
  const [tokens, announced] = [mapIn(asked["tokens"]), mapIn(asked["announced"])];
  const missing: MissingName[] = [];
  if (!tokens?.["phone"] && !announced?.["phone"]) missing.push("phone");
  if (!tokens?.["customer_id"] && !announced?.["customer_id"]) missing.push("customer");
  if (PERSON_ACTIONS.has(asked["action"]) && mapIn(asked["body"])?.["GSW_CHAIN_ATTR"] === "AllChain")
    missing.push("chain");
  if (!asked["tenant"]) missing.push("tenant");
  return missing.length === 0 ? undefined : missing;
};

const mapIn = (value: unknown): Members | undefined =>
  typeof value === "object" && value !== null ? (value as Members) : undefined;
