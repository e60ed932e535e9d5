/**
 * What a request about a person does not name, so that a look-up of a person cannot find it: a record handle is OCS's name for a record, a
 * customer id is no phone number, and a chain has records with further numbers.
 */

/** `phone`, `customer`: no token of one. `chain`: it is for further numbers too. `tenant`: refused before its tenant was known. */
export const MISSING = ["phone", "customer", "chain", "tenant"] as const;
export type Missing = (typeof MISSING)[number];

/** Members of an entry, of whatever kind. */
type Members = { readonly [name: string]: unknown };

/** What a person may have asked for whichever way the client names the person; of records every action is about a person. */
const WISHES: ReadonlySet<unknown> = new Set(["DoNotCall", "RequestRecordCancel"]);
/** A count is of identical requests, which all name the same or nothing. */
const ASKING: ReadonlySet<unknown> = new Set(["intent", "refusal", "in-doubt", "flood"]);

/** Of an intent, a refusal, a count of refusals that names an action, or a request of which only the end is left; undefined where nothing is missing. A stranger asks for nothing. */
export const missingIn = (asked: Members): readonly Missing[] | undefined => {
  if (!ASKING.has(asked["kind"]) || typeof asked["client"] !== "string") return undefined;
  if (asked["resource"] !== "records" && !WISHES.has(asked["action"])) return undefined;
  const [tokens, announced] = [mapIn(asked["tokens"]), mapIn(asked["announced"])];
  const missing: Missing[] = [];
  if (!tokens?.["phone"] && !announced?.["phone"]) missing.push("phone");
  if (!tokens?.["customer_id"] && !announced?.["customer_id"]) missing.push("customer");
  if (WISHES.has(asked["action"]) && mapIn(asked["body"])?.["GSW_CHAIN_ATTR"] === "AllChain") missing.push("chain");
  if (!asked["tenant"]) missing.push("tenant");
  return missing.length === 0 ? undefined : missing;
};

const mapIn = (value: unknown): Members | undefined =>
  typeof value === "object" && value !== null ? (value as Members) : undefined;
