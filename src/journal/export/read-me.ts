/** The README.txt of a bundle: for an auditor who knows neither the gateway nor this program. */
import type { OutsideSizes } from "./outside-evidence.ts";

export type ReadMeFields = {
  readonly query: string;
  /** RFC 3339. */
  readonly at: string;
  readonly by: string;
  readonly purpose: string | undefined;
  readonly origin: string;
  /** Entries that the bundle's checkpoint covers. */
  readonly size: number;
  /** Those that match, and the journal's own records that prove that nothing is missing. */
  readonly transactions: number;
  readonly entries: number;
  /** Transactions that match the filter. */
  readonly matching: number;
  readonly warnings: readonly string[];
  readonly through: "index" | "lines";
  readonly outside: OutsideSizes;
  readonly coverage?: readonly string[] | undefined;
  /** Further sections and rows of the table of files. */
  readonly more?: string | undefined;
};

export const NOTHING_FITS =
  "NOTHING FOUND: no entry of the journal matches the filter. This bundle contains only the journal's own " +
  "records of this export and of deletions.";

/** What an export has, in the words of its page: the record of the export is not counted. */
const countsOf = ({ matching, transactions, entries }: ReadMeFields): string => {
  const events = matching === 1 ? "1 request or event" : `${matching} requests and events`;
  const own = transactions - matching;
  const records = own === 0 ? "" : own === 1 ? ", and the entry of this export" : `, and ${own} records of the journal`;
  return `${events}${records}: ${entries} ${entries === 1 ? "entry" : "entries"}`;
};

const WIDTH = 110;
const FILE_COLUMN = 20;

/** A paragraph, wrapped; its lines are indented. `label` precedes the first line. */
export const paragraph = (text: string, indent = 2, label = ""): string => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > WIDTH - indent) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line, at) => `${(at === 0 ? label : "").padEnd(indent)}${line}\n`).join("");
};

/** A row of the table of files. */
export const fileRow = (name: string, text: string): string => paragraph(text, FILE_COLUMN, `  ${name}`);

/** Command lines, which are not wrapped. */
export const commands = (...lines: readonly string[]): string => lines.map((line) => `    ${line}\n`).join("");

const warningLines = ({ matching, warnings }: ReadMeFields): string =>
  [...(matching === 0 ? [NOTHING_FITS] : []), ...warnings.map((warning) => `WARNING: ${warning}`)]
    .map((line) => `${line}\n`)
    .join("");

/** The files for witnesses and timestamps, which a journal without them lacks. */
const outsideFiles = ({ cosigned, timestamped }: OutsideSizes): string =>
  [
    cosigned === null
      ? ""
      : fileRow(
          "cosigned.txt",
          `The checkpoint of the first ${cosigned} entries with the signatures of independent witnesses (C2SP ` +
            "tlog-cosignature). To verify them, give verify.mjs the witnesses' keys with --witness KEY; the " +
            "witnesses publish their keys.",
        ),
    timestamped === null
      ? ""
      : fileRow(
          "timestamp.tsr",
          "A timestamp (RFC 3161) that proves when the checkpoint in timestamped.txt, of the first " +
            `${timestamped} entries, existed. Verify it with verify.mjs --timestamp-ca CA.pem, or with:`,
        ) + commands("openssl ts -verify -in timestamp.tsr -data timestamped.txt -CAfile CA.pem"),
    cosigned === null && timestamped === null
      ? ""
      : fileRow(
          "consistency.json",
          "The proofs that checkpoints.txt continues those two checkpoints (RFC 6962, 2.1.2).",
        ),
  ].join("");

const FILES_BEFORE: readonly (readonly [name: string, text: string])[] = [
  ["events.ndjson", "The entries, byte for byte as in the journal, one JSON object per line."],
  [
    "proofs.ndjson",
    "For each of those lines, in the same order, the path from its hash to the root (RFC 6962; RFC 9162, 2.1.3).",
  ],
];

const FILES_AFTER: readonly (readonly [name: string, text: string])[] = [
  [
    "keys.json",
    "The verifier keys that the journal names. Compare them with the key that the gateway's owner gave you.",
  ],
  ["query.json", "The query: what was asked, by whom, when and why, and what was found."],
  ["summary.html", "A table of the entries for people."],
];

const PROOF = [
  "Every line of events.ndjson was in the journal, exactly as it is here, when the checkpoint was signed. The " +
    "holder of the signing key can change a line only by signing another checkpoint, which then contradicts every " +
    "copy of this one.",
  "If the filter selects all Do-Not-Calls of a tenant, the bundle also proves that none is missing: they are " +
    "numbered without gaps (member dnc), and the entry that recorded this export (kind access) states the last " +
    'number. The verification then says "complete up to there". If it does not say so, as for the entries of ' +
    "one person, other Do-Not-Calls of the tenant are not in this bundle.",
];

const FOUND_BY_INDEX =
  " (the entries were found with the journal's search index, and each line was verified against the signed root)";

const limits = (through: ReadMeFields["through"]): readonly string[] => [
  `That no other matching entry is missing${through === "index" ? FOUND_BY_INDEX : ""}.`,
  "Anything about requests that did not pass the gateway.",
  "Text that was masked before it was written.",
  "That the gateway's clock was right.",
  "That the key is the gateway's, unless you have the key from another source.",
];

export const readMe = (fields: ReadMeFields): string => {
  const { query, at, by, purpose, origin, size, through, coverage = [], more = "" } = fields;
  const warnings = warningLines(fields);
  return [
    `Entries of the journal ${origin}\n\n`,
    `${countsOf(fields)}, exported ${at} by ${by}`,
    purpose === undefined ? "\n" : `\nPurpose: ${purpose}\n`,
    `Filter: ${query === "" ? "(everything)" : query}\n`,
    warnings === "" ? "" : `\n${warnings}`,
    "\nHOW TO VERIFY\n",
    paragraph("Unpack the ZIP into an empty folder. There:"),
    commands("node verify.mjs --key KEY              (Node 20 or later; no network, nothing to install)"),
    commands("ocsgw audit verify BUNDLE --key KEY    (the same, with the gateway's program)"),
    paragraph(
      "KEY is the gateway's verifier key, one line: name+id+key. Get it from the gateway's owner, and not from " +
        'this bundle: with the key in this bundle alone the answer is "cannot tell" (exit code 8), because ' +
        "whoever made the bundle can have made that key as well.",
    ),
    "\nFILES\n",
    ...FILES_BEFORE.map(([name, text]) => fileRow(name, text)),
    fileRow(
      "checkpoints.txt",
      `The signed root of the first ${size} entries of the journal (C2SP tlog-checkpoint, a signed note).`,
    ),
    ...FILES_AFTER.map(([name, text]) => fileRow(name, text)),
    outsideFiles(fields.outside),
    fileRow("manifest.sha256", "The checksums of all files: sha256sum -c manifest.sha256"),
    fileRow("verify.mjs", "The program that verifies the bundle, with the *.mjs files that it needs."),
    "\nWHAT IT PROVES\n",
    PROOF.map((text) => paragraph(text)).join(""),
    "\nWHAT IT DOES NOT PROVE\n",
    ...limits(through).map((text) => paragraph(text, 4, "  -")),
    coverage.length === 0 ? "" : `\nWHAT IT COVERS\n${coverage.map((line) => paragraph(line, 4, "  -")).join("")}`,
    more,
  ].join("");
};
