/**
 * A case as files of a bundle: the page for people, the same for programs, and sections of the README. None contains a
 * number or a customer id in clear.
 */
import { escapeHtml } from "../../../common/html.ts";
import type { CaseFile } from "../bundle-entries.ts";
import { coverageLines } from "../coverage-text.ts";
import { commands, fileRow, paragraph } from "../read-me.ts";
import type { Case } from "./case.ts";
import { endOf, sentenceOf, summaryLines } from "./sentences.ts";

type Sort = "phone" | "customer_id";

/** `tenant`: as the user gave it; undefined for all tenants. */
export const caseFileOf = (found: Case, sort: Sort, tenant: string | undefined): CaseFile => {
  const notCovered = notCoveredBy(found);
  const ofTenant = tenant === undefined ? "" : `, tenant ${tenant}`;
  return {
    transactions: new Set(found.requests.map(({ transaction }) => transaction.at)),
    title: `Case of one ${sort === "phone" ? "phone number" : "customer id"}${ofTenant}`,
    summaryHtml: pageOf(found, sort, notCovered),
    json: jsonOf(found, sort, tenant, notCovered),
    readMe: readMeOf(found, sort),
  };
};

/** What no journal can answer. */
const NEVER_COVERED = [
  "Requests that did not pass the gateway, and entries that somebody added to OCS's Do-Not-Call table by hand.",
  "Whether OCS did what it confirmed: the journal only has OCS's answer.",
  "Whether OCS dialed the number with which it announced a record.",
];

export const notCoveredBy = ({ evidence, notJoined }: Case): string[] => [
  ...coverageLines(evidence).slice(1, -1),
  ...notJoined.map((sentence) => `Not joined: ${sentence}.`),
  ...NEVER_COVERED,
];

const pageOf = (found: Case, sort: Sort, notCovered: readonly string[]): string =>
  [
    "<h2>Summary</h2>",
    listOf(summaryLines(found)),
    "<h2>What happened</h2>",
    found.requests.length === 0
      ? `<p>${nothingFound(found, sort)}</p>`
      : listOf(
          found.requests.map((each) => `${sentenceOf(each, sort)} (${placeOf(each)})`),
          "ol",
        ),
    "<h2>What the journal cannot cover</h2>",
    found.complete
      ? "<p>For this case the journal itself is complete."
      : "<p><strong>This case is not complete.</strong>",
    `${searchedPeriod(found.evidence.searched)}</p>`,
    listOf(notCovered),
    "<h2>Whose case this is</h2>",
    "<p>This file contains no phone number and no customer id. It proves entries that contain a token. Only the " +
      "holder of the key can attest whose token it is; README.txt explains how.</p>\n",
  ].join("\n");

const nothingFound = ({ complete }: Case, sort: Sort): string =>
  `The journal has no request for this ${sort === "phone" ? "number" : "customer id"}` +
  (complete ? "." : ", as far as it covers.");

const searchedPeriod = ({ from, to, first, last }: Case["evidence"]["searched"]): string =>
  `Searched: ${to - from} entries` +
  (first === undefined ? "." : `, from ${escapeHtml(first)} to ${escapeHtml(last ?? "")}.`);

const listOf = (lines: readonly string[], tag = "ul"): string =>
  `<${tag}>\n${lines.map((line) => `<li>${escapeHtml(line)}</li>\n`).join("")}</${tag}>`;

const placeOf = ({ transaction: { entries }, fields: { id, dnc } }: Case["requests"][number]): string =>
  [
    `${entries.length === 1 ? "entry" : "entries"} ${entries.map(({ index }) => index).join(" and ")}`,
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
  in_short: summaryLines(found),
  requests: found.requests.map((each) => ({
    says: sentenceOf(each, sort),
    end: endOf(each.fields),
    open: each.open,
    because: each.reason.by,
    ...("with" in each.reason && { joined_to_entry: each.reason.with }),
    id: each.fields.id ?? null,
    entries: each.transaction.entries.map(({ index }) => index),
  })),
  not_covered: notCovered,
});

const readMeOf = ({ evidence, joined }: Case, sort: Sort): string => {
  const [what, digits, command] =
    sort === "phone"
      ? ["phone number", "the number's digits", "ocsgw audit search --phone-stdin --json"]
      : ["customer id", "the customer id", "ocsgw audit search --customer-stdin --json"];
  return [
    "\nWHOSE CASE THIS IS\n",
    paragraph(
      `The bundle proves entries of a token. It does not prove which ${what} the token stands for, and contains ` +
        "none in clear. A token is HMAC-SHA-256 under audit.index_key, which stays with the gateway's owner: " +
        `without the key nobody can compute the ${what} from a token, not even by trying all of them. The holder ` +
        "of the key attests it in a statement of their own. They compute the token with:",
    ),
    commands(`printf '${sort}\\0%s' <${digits}> | openssl dgst -sha256 -mac HMAC -macopt hexkey:<the key in hex>`),
    paragraph(
      "The result is the part behind the colon of one of the tokens below; the part before the colon names the " +
        "key. On the gateway's host this command prints the same tokens, as evidence.tokens:",
    ),
    commands(command),
    paragraph("Tokens of the person:"),
    commands(...evidence.tokens),
    joined.length === 0 ? "" : paragraph("Tokens that were joined, because one entry has both:"),
    commands(...joined.map(({ token, with: entry }) => `${token} (entry ${entry})`)),
    "\nFILES OF THE CASE\n",
    fileRow("case.json", "The case for programs."),
    fileRow("summary.html", "The case for people, and the table of the entries."),
  ].join("");
};
