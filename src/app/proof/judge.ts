/**
 * Whether an answer keeps the tenants apart. Names are any words: one that the gateway itself uses, for example in a
 * header, and one that identifiers and times contain by chance, tells nothing.
 */
import type { Canary } from "./canaries.ts";
import type { Answer } from "./exchange.ts";
import type { ProofGateway } from "./temporary-gateway.ts";

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

/** By what they are, in words. */
const namesOf = ({ tenant, client }: Canary): Readonly<Record<string, readonly string[]>> => ({
  "the tenant's name": [tenant.name],
  "a campaign": tenant.campaigns,
  "a list": tenant.lists,
  "a campaign group": tenant.campaign_groups.map(({ name }) => name),
  "a client": [client, ...Object.keys(tenant.clients)],
});

/** As JSON and an address write it. */
const spellings = (text: string): readonly string[] => [
  ...new Set([text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]),
];

const BEFORE = String.raw`(?:(?<![\p{L}\p{N}])|(?<=%[\dA-Fa-f]{2}|\\[bfnrt]|\\u[\da-f]{4}))`;
const AFTER = String.raw`(?![\p{L}\p{N}])`;

/** Whether it stands there by itself, not within a longer word. */
export const isWord = (text: string, name: string): boolean =>
  text.includes(name) &&
  new RegExp(
    `${/^[\p{L}\p{N}]/u.test(name) ? BEFORE : ""}${RegExp.escape(name)}${/[\p{L}\p{N}]$/u.test(name) ? AFTER : ""}`,
    "u",
  ).test(text);

type Trace = {
  readonly what: string;
  readonly text: string;
  readonly isFound: (text: string, each: string) => boolean;
};

const isPart = (text: string, part: string): boolean => text.includes(part);

/** What a tenant's names and canaries are, as they may appear in an answer. */
const tracesOf = (canary: Canary): readonly Trace[] => {
  const { phone, customer, record, common } = canary;
  const names = Object.entries(namesOf(canary)).flatMap(([what, texts]) =>
    texts.filter((each) => !common.has(each)).map((text) => ({ what, text, isFound: isWord })),
  );
  const made = [
    ["a phone number", [phone, record.phone].flatMap((each) => [each, `······${each.slice(-4)}`])],
    ["a customer id", [customer, record.customer]],
  ] as const;
  return [...names, ...made.flatMap(([what, texts]) => texts.map((text) => ({ what, text, isFound: isPart })))];
};

/** What of the second tenant the text contains, and the first one does not have itself; undefined: nothing. */
export const traceIn = (text: string, from: Canary, to: Canary): string | undefined => {
  const own = tracesOf(from);
  return tracesOf(to).find(
    ({ text: each, isFound }) =>
      !own.some((mine) => mine.text.includes(each)) && spellings(each).some((one) => isFound(text, one)),
  )?.what;
};

/** Without what differs from one answer to the next: date, request id, times. */
const masked = (text: string): string =>
  text
    .replaceAll(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "<id>")
    .replace(/^Date: .*$/im, "Date: <date>")
    .replaceAll(/dur=[0-9.]+/g, "dur=<ms>")
    .replaceAll(/^(Connection|Keep-Alive): .*\r\n/gim, "");

/** Shorter names, and shorter numbers, are found by chance. */
const SHORTEST = 4;
const SHORT_NUMBER = /^\d{1,9}$/;

/** Pages with the words of the gateway itself, and nothing of a config. */
const OWN_PAGES = ["/openapi.json", "/openapi/clients.json", "/api/help"] as const;

/** With the names that are found by chance, or because they are words of the gateway itself. */
export const withCommonNames = async (
  canaries: readonly Canary[],
  gateway: Pick<ProofGateway, "ask" | "askAs">,
): Promise<readonly Canary[]> => {
  const [first] = canaries;
  if (!first) return canaries;
  const pages: string[] = [];
  for (const target of OWN_PAGES) pages.push((await gateway.askAs(first.auditor, { method: "GET", target })).text);
  const words = pages.join("\n");
  const { headers } = await gateway.ask(first.client, { method: "GET", target: "/" });
  const isOwn = (name: string): boolean =>
    Object.hasOwn(headers, name.toLowerCase()) || spellings(name).some((one) => isWord(words, one));
  return canaries.map((canary) => ({
    ...canary,
    common: new Set(
      Object.values(namesOf(canary))
        .flat()
        .filter((name) => name.length < SHORTEST || SHORT_NUMBER.test(name) || isOwn(name)),
    ),
  }));
};
