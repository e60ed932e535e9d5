/**
 * Finds contradictions between parts of the config whose values are valid separately. A rule takes the parsed parts and
 * returns findings; for a conflict of two values, the finding is at the later one and names the earlier one. The table
 * PROBLEMS at the top of each file has the texts.
 */
import type { ParsedParts, Rule } from "./parsed-parts.ts";
import { keysAt } from "../schema/schema-tree.ts";
import type { Finding, Path } from "../problems/problem.ts";
import { accessRules } from "./access.ts";
import { bindRules } from "./binds.ts";
import { grantRules } from "./grants.ts";
import { forwardRules } from "./files/forward.ts";
import { identityRules } from "./identity.ts";
import { limitRules } from "./limits.ts";
import { oidcRules } from "./oidc.ts";
import { ownershipRules } from "./ownership.ts";
import { testRules } from "./tests.ts";
import { recordsRules } from "./records.ts";
import { sharedRules } from "./files/shared.ts";
import { telemetryRules } from "./files/telemetry.ts";
import { upstreamRules } from "./upstreams.ts";

const RULES: readonly Rule[] = [
  ...ownershipRules,
  ...recordsRules,
  ...grantRules,
  ...upstreamRules,
  ...limitRules,
  ...bindRules,
  ...accessRules,
  ...identityRules,
  ...oidcRules,
  ...forwardRules,
  ...telemetryRules,
  ...sharedRules,
  ...testRules,
];

export const findContradictions = (parts: ParsedParts): readonly Finding[] =>
  withoutGuesses(
    parts,
    RULES.flatMap((rule) => rule(parts)),
  );

/** Codes of findings about something missing, with the keys that could have supplied it. */
const FROM_ABSENCE: ReadonlyMap<string, readonly string[]> = new Map([
  ["OCSGW-6222", ["records"]],
  ["OCSGW-6223", ["allow_plaintext"]],
  ["OCSGW-6225", ["cert", "key"]],
  ["OCSGW-6227", ["primary", "backup"]],
  ["OCSGW-6230", ["backup"]],
  ["OCSGW-6233", ["allow_from", "tls"]],
  ["OCSGW-6234", ["tls", "bind"]],
  ["OCSGW-6235", ["client_ca"]],
  ["OCSGW-6236", ["allow_from"]],
  ["OCSGW-6241", ["jwt", "mtls", "keys", "identity"]],
  ["OCSGW-6242", ["jwks_uri", "jwks_file"]],
  ["OCSGW-6246", ["client_ca"]],
  ["OCSGW-6259", ["viewer", "operator", "auditor"]],
  ["OCSGW-6260", ["tenants", "claims"]],
  ["OCSGW-6267", ["algorithms"]],
  ["OCSGW-6276", ["anchor"]],
  ["OCSGW-6277", ["anchor"]],
  ["OCSGW-6278", ["witnesses"]],
  ["OCSGW-6291", ["callbacks"]],
  ["OCSGW-6292", ["callbacks", "registrars", "tenants"]],
  ["OCSGW-6306", ["tenants"]],
  ["OCSGW-6309", ["client_ca", "client_certificates"]],
  ["OCSGW-6313", ["connections", "lane_isolation"]],
  ["OCSGW-6316", ["ca", "pins"]],
  ["OCSGW-6321", ["callbacks"]],
  ["OCSGW-6322", ["tls"]],
  ["OCSGW-6328", ["names", "bind", "tls"]],
  ["OCSGW-6371", ["to"]],
  ["OCSGW-6372", ["cert", "key"]],
  ["OCSGW-6381", ["shared"]],
  ["OCSGW-6382", ["allow_plaintext", "tls"]],
  ["OCSGW-6383", ["cert", "key"]],
  ["OCSGW-6386", ["cert", "key", "tls", "peers"]],
  ["OCSGW-6387", ["ca"]],
  ["OCSGW-6388", ["admin", "bind", "address", "peers"]],
  ["OCSGW-6390", ["tls"]],
]);

/** Codes for which the missing key may belong to another section than that of the finding. */
const FROM_ELSEWHERE: ReadonlySet<string> = new Set([
  "OCSGW-6291",
  "OCSGW-6292",
  "OCSGW-6309",
  "OCSGW-6321",
  "OCSGW-6388",
  "OCSGW-6390",
]);

/**
 * Drops findings about something missing that may be present but malformed or misspelled: they would be guesses. A
 * conflict of two present values is always reported.
 */
export const withoutGuesses = ({ lost }: Pick<ParsedParts, "lost">, findings: readonly Finding[]): readonly Finding[] =>
  lost.length === 0 ? findings : findings.filter((finding) => !isGuess(finding, lost));

const isGuess = ({ code, path }: Finding, lost: readonly Path[]): boolean => {
  if (lost.some((at) => at.every((part, index) => part === path[index]))) return true;
  const missed = FROM_ABSENCE.get(code);
  return (
    missed !== undefined &&
    lost
      .filter((at) => FROM_ELSEWHERE.has(code) || sectionOf(at) === sectionOf(path))
      .some((at) => isUnknown(at) || at.some((part) => missed.includes(String(part))))
  );
};

/** The part of the config that contains a path: one listener, one upstream, one tenant, or another whole section. */
const sectionOf = ([section, entry]: Path): string =>
  JSON.stringify(["listeners", "upstreams", "tenants"].includes(String(section)) ? [section, entry] : [section]);

const isUnknown = (path: Path): boolean =>
  typeof path.at(-1) === "string" && !keysAt(path.slice(0, -1)).includes(String(path.at(-1)));
