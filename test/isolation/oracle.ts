/**
 * A second opinion, written from the manual and the contract alone: may this request stand on that OCS's wire, sent for
 * that tenant? It knows nothing of the gateway's code, and reads bytes as OCS would.
 */
import { reqValuesOf } from "../ocs/manual.ts";

export type Registered = {
  readonly dbid: number;
  readonly ocs: string;
  readonly campaigns: readonly string[];
  readonly lists: readonly string[];
  readonly groups: readonly number[];
  /** Live record handles; undefined where the OCS is the tenant's alone. */
  readonly handles: ReadonlySet<number> | undefined;
};

/** What an OCS got: the head without its empty line, and the body. */
export type Wire = { readonly ocs: string; readonly head: string; readonly body: string };

const REQUEST_LINE =
  /^(GET|POST) \/(records|phones|customer_ids|lists|campaigngroups)(?:\/([^/?# ]+))?(?:\?req=([A-Za-z]+))? HTTP\/1\.1$/;
const IDENTIFIERS: Readonly<Record<string, RegExp>> = {
  records: /^[1-9][0-9]{0,9}$/,
  phones: /^\+?[0-9]{3,20}$/,
  customer_ids: /^[A-Za-z0-9._@:-]{1,64}$/,
  lists: /^[^\p{C}/\\%?#]{1,255}$/u,
  campaigngroups: /^[1-9][0-9]{0,9}$/,
};
const HEADERS = new Set(["host", "user-agent", "content-type", "content-length"]);

/** Why it may not; undefined when it may. `sender`: undefined for who has no right to anything. */
export const objection = (wire: Wire, sender: Registered | undefined): string | undefined => {
  if (!sender) return "sent for nobody";
  if (wire.ocs !== sender.ocs) return "another tenant's OCS";
  const [line = "", ...headers] = wire.head.split("\r\n");
  const [, method, resource = "", raw, action] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined) return "no request line of OCS's";
  return (
    headersObject(headers, wire.body) ??
    (method === "GET"
      ? readObject(wire, { resource, raw, action }, sender)
      : writeObject(wire, { resource, raw, action }, sender))
  );
};

type Target = { readonly resource: string; readonly raw: string | undefined; readonly action: string | undefined };

const headersObject = (headers: readonly string[], body: string): string | undefined => {
  const names = headers.map((header) => header.slice(0, header.indexOf(":")).toLowerCase());
  if (names.some((name) => !HEADERS.has(name))) return "a header that OCS does not read";
  if (new Set(names).size !== names.length) return "a header twice";
  const length = headers.find((header) => /^content-length:/i.test(header))?.replace(/^[^:]*:\s*/, "");
  return Number(length ?? 0) === Buffer.byteLength(body) ? undefined : "a length that is not the body's";
};

const readObject = ({ body }: Wire, { resource, raw, action }: Target, { groups }: Registered): string | undefined => {
  if (resource !== "campaigngroups" || action !== undefined || body !== "") return "nothing that can be read";
  return raw === undefined || groups.includes(Number(raw)) ? undefined : "another tenant's campaign group";
};

const writeObject = (
  wire: Wire,
  { resource, raw = "", action = "" }: Target,
  sender: Registered,
): string | undefined => {
  if (!reqValuesOf(resource).includes(action)) return "no action of the resource";
  const identifier = decodeURIComponent(raw);
  if (!IDENTIFIERS[resource]!.test(identifier)) return "no identifier of its kind";
  if (encodeURIComponent(identifier) !== raw.replaceAll("+", "%2B") && identifier !== raw)
    return "an identifier that is written in an unusual way";
  if (resource === "records" && sender.handles && !sender.handles.has(Number(identifier)))
    return "not a live handle of the tenant's";
  if (resource === "lists" && !sender.lists.includes(identifier)) return "another tenant's list";
  if (resource === "campaigngroups" && !sender.groups.includes(Number(identifier)))
    return "another tenant's campaign group";
  return bodyObject(wire.body, resource, sender);
};

const bodyObject = (text: string, resource: string, sender: Registered): string | undefined => {
  const personal = resource === "phones" || resource === "customer_ids";
  if (text === "") return personal || resource === "lists" ? "a body is missing" : undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "a body that is not JSON";
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) return "a body that is no object";
  // Written by JSON's plainest writer a body has no key twice, no odd number, and no second reading.
  if (JSON.stringify(body) !== text) return "a body with a second reading";
  const fields = body as Readonly<Record<string, unknown>>;
  if (personal && fields["GSW_TENANT_DBID"] !== sender.dbid) return "not the tenant's DBID";
  if (resource === "lists" && fields["GSW_CAMPAIGN_NAME"] === undefined) return "no campaign";
  return Object.entries(fields)
    .map(([key, value]) => fieldObject(key, value, sender))
    .find((why) => why !== undefined);
};

const fieldObject = (key: string, value: unknown, { dbid, campaigns, lists }: Registered): string | undefined => {
  const plain = key.normalize("NFKC").toUpperCase();
  if (plain.startsWith("GSW_") && !key.startsWith("GSW_")) return `a key that could be read as GSW_: ${key}`;
  if (plain === "GSW_TENANT_DBID")
    return key === "GSW_TENANT_DBID" && value === dbid ? undefined : "another tenant's DBID";
  if (plain === "GSW_TENANT_NAME") return "a tenant's name";
  if (plain === "GSW_CAMPAIGN") return "the campaign under its other name";
  if (plain === "GSW_CAMPAIGN_NAME")
    return campaigns.includes(value as string) ? undefined : "another tenant's campaign";
  if (plain === "GSW_CALLING_LIST") return lists.includes(value as string) ? undefined : "another tenant's list";
  if (/^GSW_(RECORD_HANDLE|RECORD_URI|CUSTOMER_IDS)$|GROUPID|CAMPAIGNID/.test(plain))
    return `a key that names what the URI names: ${key}`;
  if (typeof value === "object" && key !== "GSW_CM_AttrProperties") return "a field that is neither text nor number";
  return /[\r\n\0]/.test(`${key}${JSON.stringify(value)}`) ? "a control character" : undefined;
};
