/** A case as a bundle has it: the page for an officer, the same for programs, and what the README says of tokens and persons. No number in clear. */
import type { CaseFile } from "../bundle.ts";
import type { Case } from "../case.ts";
import { coverageOf } from "../export/coverage.ts";
import { escaped } from "../export/summary.ts";
import { endOf, inShort, sentenceOf } from "./sentences.ts";

type Sort = "phone" | "customer_id";

/** `tenant`: as it was asked for; undefined for all. */
export const caseFileOf = (found: Case, sort: Sort, tenant: string | undefined): CaseFile => {
  const notCovered = notCoveredBy(found);
  return {
    also: new Set(found.requests.map(({ story }) => story.at)),
    title: `Case of one ${sort === "phone" ? "phone number" : "customer id"}${tenant === undefined ? "" : `, tenant ${tenant}`}`,
    head: pageOf(found, sort, notCovered),
    json: jsonOf(found, sort, tenant, notCovered),
    readMe: readMeOf(found, sort),
  };
};

/** What lies outside the journal, whatever it holds. */
const NEVER = [
  "Requests that did not pass the gateway, and entries that somebody made in OCS's Do-Not-Call table by hand.",
  "Whether OCS acted on what it confirmed: its answer is what the journal has.",
  "That OCS announced each record with the number that it then dialed.",
];

export const notCoveredBy = ({ evidence, notJoined }: Case): string[] => [
  ...coverageOf(evidence).slice(1, -1),
  ...notJoined.map((says) => `Not joined: ${says}.`),
  ...NEVER,
];

const pageOf = (found: Case, sort: Sort, notCovered: readonly string[]): string => `<h2>In short</h2>
${listOf(inShort(found))}<h2>What happened</h2>
${
  found.requests.length === 0
    ? `<p>The journal has no request of this ${sort === "phone" ? "number" : "customer id"}${found.complete ? "" : ", as far as it covers"}.</p>\n`
    : listOf(
        found.requests.map((each) => `${sentenceOf(each, sort)} (${placeOf(each)})`),
        "ol",
      )
}<h2>What the journal cannot cover</h2>
<p>${found.complete ? "Nothing of the journal itself is missing for this case." : "<strong>This case is not complete.</strong>"} Searched: ${found.evidence.searched.to - found.evidence.searched.from} entries${found.evidence.searched.first === undefined ? "" : `, from ${escaped(found.evidence.searched.first)} to ${escaped(found.evidence.searched.last ?? "")}`}.</p>
${listOf(notCovered)}<h2>Whose case it is</h2>
<p>This file has no number in it. It proves entries of a token; who holds the key attests which number the token is: README.txt says how.</p>
`;

const listOf = (lines: readonly string[], tag = "ul"): string =>
  `<${tag}>\n${lines.map((line) => `<li>${escaped(line)}</li>\n`).join("")}</${tag}>\n`;

const placeOf = ({ story: { entries }, facts: { id, dnc } }: Case["requests"][number]): string =>
  [
    `entr${entries.length === 1 ? "y" : "ies"} ${entries.map(({ index }) => index).join(" and ")}`,
    id === undefined ? "" : `request ${id}`,
    dnc === undefined ? "" : `Do-Not-Call no. ${dnc}`,
  ]
    .filter(Boolean)
    .join(", ");

const jsonOf = (found: Case, sort: Sort, tenant: string | undefined, notCovered: readonly string[]): object => ({
  looked_for: sort,
  tenant: tenant ?? null,
  tokens: found.evidence.tokens,
  joined: found.joined.map(({ token, with: entry, requests }) => ({ token, beside_in_entry: entry, requests })),
  complete: found.complete,
  in_short: inShort(found),
  requests: found.requests.map((each) => ({
    says: sentenceOf(each, sort),
    end: endOf(each.facts),
    open: each.open,
    because: each.reason.by,
    ...("with" in each.reason && { joined_to_entry: each.reason.with }),
    id: each.facts.id ?? null,
    entries: each.story.entries.map(({ index }) => index),
  })),
  not_covered: notCovered,
});

const readMeOf = ({ evidence, joined }: Case, sort: Sort): string => `
WHOSE CASE IT IS
                The bundle proves entries of a token. It does not prove which ${sort === "phone" ? "phone number" : "customer id"} that is, and has none in clear. A token is
                HMAC-SHA-256 under audit.index_key, which does not leave the gateway's owner: without it nobody can tell, by trying all
                numbers either. The holder of the key attests it, in a statement of their own beside this bundle:

                  printf '${sort}\\0%s' <${sort === "phone" ? "its digits" : "the id"}> | openssl dgst -sha256 -mac HMAC -macopt hexkey:<the key in hex>

                which gives the part of one of these tokens behind the colon; the part before it names the key. On
                the gateway's host ocsgw audit search ${sort === "phone" ? "--phone-stdin" : "--customer-stdin"} --json gives the same in evidence.tokens.

                Looked for:
${evidence.tokens.map((token) => `                  ${token}\n`).join("")}${
  joined.length === 0
    ? ""
    : `                Joined, because an entry has both:
${joined.map(({ token, with: entry }) => `                  ${token} (entry ${entry})\n`).join("")}`
}
  case.json         the case in sentences, for programs
  summary.html      the same for people, and the table of the entries
`;
