/** The requests of the bench, the same bytes for every peer: a DoNotCall with a token, as an ORS strategy sends it. */
import type { Line } from "../programs/client-words.ts";
import type { Issuer } from "./credentials.ts";

/** A tenant of the bench, its client and its list are told by a number from 1. */
export const tenantName = (tenant: number): string => `Tenant ${tenant}`;
export const clientName = (tenant: number, client = 1): string => `client-${tenant}-${client}`;
export const campaignName = (tenant: number): string => `Campaign ${tenant}`;
export const listName = (tenant: number): string => `List ${tenant}`;
export const dbidOf = (tenant: number): number => 100 + tenant;

export type Who = { readonly tenant: number; readonly client?: number };

const NUMBERS_PER_LINE = 8;

const requestOf = ({ tenant }: Who, token: string, port: number, phone: number): string => {
  const body = JSON.stringify({
    GSW_TENANT_DBID: dbidOf(tenant),
    GSW_CALLING_LIST: listName(tenant),
    CUSTOMER_CODE: `C-${phone}`,
  });
  return (
    `POST /phones/${phone}?req=DoNotCall HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: ORS\r\nAuthorization: ` +
    `Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
};

/** OCS's pre-dial validation of one record. */
export const announcementOf = (tenant: number, handle: number, port: number): string => {
  const body = JSON.stringify({
    GSW_RECORD_HANDLE: handle,
    GSW_CAMPAIGN_NAME: campaignName(tenant),
    GSW_CALLING_LIST: listName(tenant),
    GSW_PHONE: String(4_155_550_000 + handle),
    GSW_ATTEMPTS: 1,
    GSW_CALL_ATTEMPT_GUID: `0A0B0C0D${String(handle).padStart(24, "0")}`,
    GSW_TZ_NAME: "PST",
    GSW_CONTACT_MEDIA_TYPE: "any",
    CUSTOMER_CODE: `C-${handle}`,
  });
  return (
    `POST /validate HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: OCS/8.1.524.04\r\nContent-Type: ` +
    `application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
};

/** A finalizing action on a record. */
export const recordRequestOf = (handle: number, token: string, port: number): string =>
  `POST /records/${handle}?req=RecordProcessed HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: ` +
  `ORS\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;

type Sending = { readonly token: string; readonly port: number };

/** The result of a call, which does not finalize the record. */
const callResultOf = (tenant: number, handle: number, { token, port }: Sending): string => {
  const scope = { GSW_CAMPAIGN_NAME: campaignName(tenant), GSW_CALLING_LIST: listName(tenant) };
  const body = JSON.stringify({ ...scope, GSW_CALL_RESULT: 33 });
  return [
    `POST /records/${handle}?req=UpdateCallCompletionStats HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "User-Agent: ORS",
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
};

/** One connection whose requests all carry this token. */
export const lineOf = (who: Who, token: string, port: number, number: number): Line => ({
  label: tenantName(who.tenant),
  requests: Array.from({ length: NUMBERS_PER_LINE }, (_, index) =>
    requestOf(who, token, port, 4_155_550_000 + number * NUMBERS_PER_LINE + index),
  ),
});

/** `count` connections, dealt out to these clients in turn; each client has one token. */
export const linesFor = (issuer: Issuer, whos: readonly Who[], count: number, port: number): Line[] => {
  const tokens = whos.map(({ tenant, client }) => issuer.token(clientName(tenant, client)));
  return Array.from({ length: count }, (_, index) =>
    lineOf(whos[index % whos.length]!, tokens[index % whos.length]!, port, index),
  );
};

/** Each connection of `linesWithRecords` has its own record handles, from 1 upwards. */
const HANDLES_PER_LINE = NUMBERS_PER_LINE / 2;

/** OCS's announcements of the handles of `linesWithRecords`, in ascending order as OCS makes them. */
export const announcementsFor = (whos: readonly Who[], count: number, port: number): Line => ({
  label: "OCS",
  requests: Array.from({ length: count * HANDLES_PER_LINE }, (_, at) =>
    announcementOf(whos[Math.floor(at / HANDLES_PER_LINE) % whos.length]!.tenant, 1 + at, port),
  ),
});

/**
 * As `linesFor`, but every second request is the result of a call, by record handle; it does not finalize the record.
 */
export const linesWithRecords = (issuer: Issuer, whos: readonly Who[], count: number, port: number): Line[] => {
  const tokens = whos.map(({ tenant, client }) => issuer.token(clientName(tenant, client)));
  return linesFor(issuer, whos, count, port).map(({ label, requests }, number) => {
    const { tenant } = whos[number % whos.length]!;
    const sending = { token: tokens[number % whos.length]!, port };
    const handleAt = (at: number): number => 1 + number * HANDLES_PER_LINE + (at - 1) / 2;
    const mixed = requests.map((phone, at) => (at % 2 === 0 ? phone : callResultOf(tenant, handleAt(at), sending)));
    return { label, requests: mixed };
  });
};

/** As above, but `tokens` different tokens in all, each sent once before any comes again. */
export const linesWithNewTokens = (
  issuer: Issuer,
  whos: readonly Who[],
  count: number,
  port: number,
  tokens: number,
): Line[] =>
  Array.from({ length: count }, (_, index): Line => {
    const who = whos[index % whos.length]!;
    const requests = Array.from({ length: Math.ceil(tokens / count) }, (_each, turn) =>
      requestOf(who, issuer.token(clientName(who.tenant, who.client)), port, 4_155_550_000 + turn),
    );
    return { label: tenantName(who.tenant), requests };
  });

/** One request whose token says one thing and was signed for another: whoever verifies must answer 401. */
export const forgedLine = (issuer: Issuer, port: number): Line => {
  const [mine, other] = [issuer.token(clientName(1)), issuer.token(clientName(2))].map((token) => token.split("."));
  return {
    label: "forged",
    requests: [requestOf({ tenant: 1 }, [mine![0], mine![1], other![2]].join("."), port, 4_155_550_000)],
  };
};
