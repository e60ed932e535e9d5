/** Whether an answer keeps the tenants apart. */
import type { Canary } from "./canaries.ts";
import type { Answer } from "./exchange.ts";

export type Judged = {
  readonly from: Canary;
  readonly to: Canary;
  readonly answer: Answer;
  /** The answer to the same request about what no tenant has. */
  readonly absent: Answer;
  /** Requests that the OCS of the second tenant received meanwhile. */
  readonly received: number;
};

/** Why it does not; undefined if it does. */
export const faultOf = ({ from, to, answer, absent, received }: Judged): string | undefined => {
  if (received > 0) return `the OCS of ${to.tenant.name} received the request`;
  if (answer.status < 400) return `the request was answered with ${answer.status}`;
  const found = traceIn(answer.text, from, to);
  if (found !== undefined) return `the answer contains ${found}`;
  return masked(answer.text) === masked(absent.text)
    ? undefined
    : "the answer differs from that about what no tenant has";
};

/** What a tenant's names and canaries are, as they may appear in an answer. */
const tracesOf = ({
  tenant,
  phone,
  customer,
  record,
  client,
}: Canary): readonly (readonly [what: string, text: string])[] =>
  [
    ["the tenant's name", tenant.name],
    ["a campaign", tenant.campaigns],
    ["a list", tenant.lists],
    ["a campaign group", tenant.campaign_groups.map(({ name }) => name)],
    ["a client", [client, ...Object.keys(tenant.clients)]],
    ["a phone number", [phone, record.phone].flatMap((each) => [each, `······${each.slice(-4)}`])],
    ["a customer id", [customer, record.customer]],
  ].flatMap(([what, texts]) => [texts!].flat().map((text) => [what as string, text] as const));

/** Shorter texts are found by chance. */
const SHORTEST = 4;

/** What of the second tenant the text contains, and the first one does not have itself; undefined: nothing. */
export const traceIn = (text: string, from: Canary, to: Canary): string | undefined => {
  const own = tracesOf(from).map(([, each]) => each);
  return tracesOf(to).find(
    ([, each]) =>
      each.length >= SHORTEST &&
      !own.some((mine) => mine.includes(each)) &&
      spellings(each).some((one) => text.includes(one)),
  )?.[0];
};

/** As JSON and an address write it. */
const spellings = (text: string): readonly string[] => [
  text,
  JSON.stringify(text).slice(1, -1),
  encodeURIComponent(text),
];

/** Without what differs from one answer to the next: date, request id, times. */
const masked = (text: string): string =>
  text
    .replaceAll(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "<id>")
    .replace(/^Date: .*$/im, "Date: <date>")
    .replaceAll(/dur=[0-9.]+/g, "dur=<ms>")
    .replaceAll(/^(Connection|Keep-Alive): .*\r\n/gim, "");
