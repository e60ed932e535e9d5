/**
 * What no single value can be blamed for: contradictions between parts of the file. Each rule looks at the facts and gives findings;
 * where two things conflict, the later one is pointed at and the earlier one named beside it.
 */
import type { Facts } from "./facts.ts";
import { keysAt } from "./outline.ts";
import type { Finding, Path } from "./problem.ts";
import { accessRules } from "./rules-access.ts";
import { bindRules } from "./rules-binds.ts";
import { identityRules } from "./rules-identity.ts";
import { ownershipRules } from "./rules-ownership.ts";
import { testRules } from "./rules-tests.ts";
import { recordsRules } from "./rules-records.ts";
import { upstreamRules } from "./rules-upstreams.ts";

export type Rule = (facts: Facts) => readonly Finding[];

const RULES: readonly Rule[] = [
  ...ownershipRules,
  ...recordsRules,
  ...upstreamRules,
  ...bindRules,
  ...accessRules,
  ...identityRules,
  ...testRules,
];

export const findContradictions = (facts: Facts): readonly Finding[] =>
  withoutGuesses(
    facts,
    RULES.flatMap((rule) => rule(facts)),
  );

/** Findings that follow from something that is not there, with the keys that may have said it. */
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
]);

/** What they miss may stand in another section than they point at. */
const FROM_ELSEWHERE: ReadonlySet<string> = new Set(["OCSGW-6291", "OCSGW-6292", "OCSGW-6309", "OCSGW-6321"]);

/**
 * What was left out for being malformed may have said what is missed, and so may a key that is misspelt. Then the finding waits: it is a guess.
 * What two things that are there say against each other is none.
 */
export const withoutGuesses = ({ lost }: Pick<Facts, "lost">, findings: readonly Finding[]): readonly Finding[] =>
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

/** A listener, an upstream, a tenant; all of another section. */
const sectionOf = ([section, entry]: Path): string =>
  JSON.stringify(["listeners", "upstreams", "tenants"].includes(String(section)) ? [section, entry] : [section]);

const isUnknown = (path: Path): boolean =>
  typeof path.at(-1) === "string" && !keysAt(path.slice(0, -1)).includes(String(path.at(-1)));
