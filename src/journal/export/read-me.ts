/** What stands in a bundle's README.txt. */
import type { Outside } from "./outside.ts";

export type BundleFacts = {
  readonly query: string;
  readonly at: string;
  readonly by: string;
  readonly purpose: string | undefined;
  readonly origin: string;
  readonly size: number;
  readonly stories: number;
  readonly entries: number;
  readonly fitting: number;
  readonly warnings: readonly string[];
  readonly through: "index" | "lines";
  readonly outside: Outside;
  readonly coverage?: readonly string[] | undefined;
  readonly more?: string | undefined;
};

export const NOTHING_FITS =
  "NOTHING FOUND: no entry of the journal fits the filter. This bundle holds only the journal's own records of this export and of deletions.";

const warned = ({ fitting, warnings }: BundleFacts): string => {
  const said = [...(fitting === 0 ? [NOTHING_FITS] : []), ...warnings.map((warning) => `WARNING  ${warning}`)];
  return said.length === 0 ? "" : `\n${said.join("\n")}\n`;
};

/** How the entries were looked for when not all lines were read. */
const HOW = `: they were looked for by the journal's
                index, and each line that was found was held against the signed root`;

/** Of a journal that nobody outside vouches for they are not there. */
const outsideFiles = ({ cosigned, timestamped }: Outside): string =>
  [
    ...(cosigned === null
      ? []
      : [
          `  cosigned.txt      the checkpoint of the first ${cosigned} entries with the signatures of outside witnesses (C2SP tlog-cosignature):
                    give verify.mjs their keys, --witness KEY, from wherever the witnesses publish them
`,
        ]),
    ...(timestamped === null
      ? []
      : [
          `  timestamp.tsr     a time stamping authority's word (RFC 3161) on when the checkpoint in timestamped.txt, of the first ${timestamped} entries, existed:
                    verify.mjs --timestamp-ca CA.pem, or openssl ts -verify -in timestamp.tsr -data timestamped.txt -CAfile CA.pem
`,
        ]),
    ...(cosigned === null && timestamped === null
      ? []
      : ["  consistency.json  the proofs that checkpoints.txt continues those two (RFC 6962, 2.1.2)\n"]),
  ].join("");

export const readMe = (facts: BundleFacts): string => {
  const { query, at, by, purpose, origin, size, stories, entries, through, coverage = [], more = "", outside } = facts;
  return `Entries of the journal ${origin}

${entries} entries of ${stories} requests and events, exported ${at} by ${by}${purpose === undefined ? "" : `, for: ${purpose}`}
Filter: ${query === "" ? "(everything)" : query}
${warned(facts)}
CHECK IT        node verify.mjs --key <the gateway's verifier key>        Node 20 or later, no network, nothing to install
                or: ocsgw audit verify <this bundle> --key <the gateway's verifier key>
                The key is one line, name+id+key, that the gateway's owner gave you otherwise. With the key in this bundle alone the
                answer is "cannot tell" (exit code 8): whoever made the bundle can have made that key.

  events.ndjson     the entries, byte for byte as they stand in the journal, one JSON object to a line
  proofs.ndjson     for each of those lines, in the same order, the path from its hash to the root (RFC 6962, RFC 9162 2.1.3)
  checkpoints.txt   the signed statement of that root over the first ${size} entries (C2SP tlog-checkpoint, a signed note)
  keys.json         the verifier keys that the journal names: compare them with what the gateway's owner told you otherwise
  query.json        what was asked, by whom, when and why, and what was found
  summary.html      a table for people
${outsideFiles(outside)}  manifest.sha256   sha256sum -c manifest.sha256
  verify.mjs        the program that checks all this, and the *.mjs files that it needs

WHAT IT PROVES  Every line of events.ndjson stood so in the journal when the checkpoint was signed. Whoever has the key can change that only with
                the checkpoint, and then contradicts every copy of it.
                Where the filter took all Do-Not-Calls of a tenant, also that none is missing: their numbers (dnc) run without gaps, and in the
                entry that recorded this export (kind access) the gateway itself says which number was the last. The verification then says
                "complete up to there"; where it does not, as for one person's entries, others of the tenant's Do-Not-Calls are not here.

WHAT IT DOES NOT PROVE
                That the filter took all other entries that it should have${through === "index" ? HOW : ""}. Requests that did not pass the gateway. Text that was masked before it
                was written. That the clock was right. That the key is the gateway's, unless you have it from elsewhere.
${
  coverage.length === 0
    ? ""
    : `
WHAT IT COVERS
${coverage
  .map(
    (line) => `                ${line}
`,
  )
  .join("")}`
}${more}`;
};
