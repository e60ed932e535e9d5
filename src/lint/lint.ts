/** Judges one file: reads its calls to OCS and applies every rule. Nothing is run, and no network is used. */
import { knownText, NOTHING, type Call, type Reading, type Secret, type Undecided, type Value } from "./calls.ts";
import { withoutMarks } from "./holes.ts";
import type { Kind } from "./kinds.ts";
import { Lines } from "./lines.ts";
import { isGatewayAddress, isKnownAddress, type Addresses } from "./options.ts";
import { judgeAddress } from "./rules/address.ts";
import { judgeBody } from "./rules/body.ts";
import { judgeFlow, type Judged } from "./rules/flow.ts";
import { judgeHeaders, secretHeaders, setCredentials } from "./rules/headers.ts";
import { usesOfCredentials } from "./rules/likely-secrets.ts";
import { secretsIn } from "./rules/secrets.ts";
import { judgeSpelling } from "./rules/spelling.ts";
import { RULES, type LintFinding, type LintSeverity, type RuleName } from "./rules/table.ts";
import { judgeTarget } from "./rules/target.ts";
import { readUrl } from "./url.ts";

export type Place = { readonly line: number; readonly column: number };

export type LintProblem = Place & {
  readonly rule: RuleName;
  readonly code: string;
  readonly severity: LintSeverity;
  readonly message: string;
  readonly help: string;
};

export type FileJudged = {
  readonly calls: number;
  readonly problems: readonly LintProblem[];
  readonly undecided: readonly (Place & { readonly what: string })[];
  /** The parts of the text that no output may show. */
  readonly secrets: readonly Secret[];
};

/** Findings of one file at most; the last one says that there are more. */
const MOST_PROBLEMS = 1000;

export const lintText = (given: string, kind: Kind, addresses: Addresses): FileJudged => {
  const text = withoutMarks(given);
  const reading = read(text, kind, addresses);
  const { calls, faults } = judgeable(reading.calls);
  const judged = calls.map((call) => judgeCall(call, text, { addresses, isRecorded: kind.isRecorded === true }));
  const flow = judgeFlow(judged);
  const secrets = withoutRepeats([
    ...secretsIn(text),
    ...reading.secrets,
    ...reading.calls.flatMap((call) => secretHeaders(call, text)),
    ...(reading.calls.length > 0 ? setCredentials(text) : []),
  ]);
  const found: readonly LintFinding[] = [
    ...[...reading.faults, ...faults].map(({ at, message }): LintFinding => ({
      rule: "unreadable",
      at,
      detail: message,
    })),
    ...judged.flatMap(({ findings }) => findings),
    ...flow.findings,
    ...secrets.map(({ at, what }): LintFinding => ({ rule: "secret", at, detail: `the file contains ${what}` })),
  ];
  const spelled = kind.isRecorded ? [] : judgeSpelling(text, new Set(found.map(({ at }) => at)));
  const lines = new Lines(text);
  const known = [...reading.undecided, ...judged.flatMap((each) => each.undecided), ...flow.undecided];
  const undecided = [...known, ...namesWithoutCalls(text, reading, known)];
  return {
    calls: reading.calls.length,
    problems: inOrder(lines, found, spelled),
    undecided: undecided.map(({ at, what }) => ({ ...lines.place(at), what })),
    secrets: [...secrets, ...usesOfCredentials(text, calls)],
  };
};

/** Calls and members of their bodies that are judged in one file. */
const MOST_JUDGED = 500_000;

const judgeable = (calls: readonly Call[]): Pick<Reading, "calls" | "faults"> => {
  let judged = 0;
  const end = calls.findIndex(
    ({ body }) => (judged += body.kind === "object" ? body.members.length + 1 : 1) > MOST_JUDGED,
  );
  if (end < 0) return { calls, faults: [] };
  const message = `more than ${MOST_JUDGED} calls and attributes; the calls from here on are not judged`;
  return { calls: calls.slice(0, end), faults: [{ at: calls[end]!.at, message }] };
};

/** A file that builds bodies for OCS, and in which no call is recognized: another file sends them. */
const namesWithoutCalls = (
  text: string,
  { calls, faults }: Reading,
  known: readonly Undecided[],
): readonly Undecided[] => {
  if (calls.length > 0 || faults.length > 0 || known.length > 0) return [];
  const at = text.search(/["']GSW_(?!RECORD_URI)[A-Z]/);
  return at < 0
    ? []
    : [{ at: at + 1, what: "the file has names of OCS's requests, and no call to OCS that lint recognizes" }];
};

const read = (text: string, { read: reader }: Kind, addresses: Addresses): Reading => {
  try {
    return reader({ text, isKnownAddress: (url) => isKnownAddress(addresses, url) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...NOTHING, faults: [{ at: 0, message: "nested too deeply to be read" }] };
  }
};

type Circumstances = { readonly addresses: Addresses; readonly isRecorded: boolean };
type CallJudged = Judged & { readonly findings: readonly LintFinding[]; readonly undecided: readonly Undecided[] };

const judgeCall = (call: Call, text: string, { addresses, isRecorded }: Circumstances): CallJudged => {
  const url = readUrl(call.url);
  const target = judgeTarget(call, url);
  // A block of Composer tells its action and nothing of its parameters.
  const body = target.action && call.action === undefined ? judgeBody(call, target.action, target.identifier) : NO_BODY;
  const headers = isRecorded
    ? { ...call, headers: call.headers.filter(({ name }) => !/^content-length$/i.test(name)) }
    : call;
  const hasBody = call.body.kind !== "absent";
  return {
    call,
    action: target.action,
    identifier: target.identifier,
    findings: [
      ...judgeAddress(call, url, addresses),
      ...target.findings,
      // The gateway fills in the tenant of a client that acts for one tenant.
      ...body.findings.filter(({ rule }) => rule !== "missingTenant" || !isGatewayAddress(addresses, url)),
      ...judgeHeaders(headers, writtenBody(call.body, text), hasBody),
    ],
    undecided: [...target.undecided, ...body.undecided],
  };
};

const NO_BODY = { findings: [], undecided: [] };

/** The body's bytes, if the file has all of them: as a text, or as the object that the file shows as it is sent. */
const writtenBody = (body: Value, text: string): string | undefined => {
  if (body.kind === "absent") return "";
  if (body.kind === "text") return knownText(body);
  if (body.kind !== "object" || text[body.at] !== "{") return undefined;
  const end = closingBrace(text, body.at);
  const written = end === undefined ? undefined : text.slice(body.at, end);
  return written !== undefined && isJson(written) ? written : undefined;
};

const closingBrace = (text: string, from: number): number | undefined => {
  let depth = 0;
  for (let at = from; at < Math.min(text.length, from + 65_536); at++) {
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  return undefined;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** The same secret may be found by its form and by its place. */
const withoutRepeats = (secrets: readonly Secret[]): readonly Secret[] => {
  let end = -1;
  return secrets
    .toSorted((a, b) => a.at - b.at || b.end - a.end)
    .filter((secret) => {
      const isRepeat = secret.at <= end;
      end = Math.max(end, secret.end);
      return !isRepeat;
    });
};

const inOrder = (
  lines: Lines,
  found: readonly LintFinding[],
  spelled: readonly LintFinding[],
): readonly LintProblem[] => {
  const problems = found.map((finding) => problemOf(lines, finding));
  const nameIn = ({ line, message }: LintProblem): string => `${line} ${/^\w*/.exec(message)![0]}`;
  const named = new Set(problems.map(nameIn));
  const names = spelled.map((finding) => problemOf(lines, finding)).filter((problem) => !named.has(nameIn(problem)));
  const seen = new Set<string>();
  const all = [...problems, ...names]
    .filter(({ line, column, code, message }) => {
      const key = `${line}:${column}:${code}:${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (all.length <= MOST_PROBLEMS) return all;
  const { line, column } = all[MOST_PROBLEMS]!;
  const rest = `${all.length - MOST_PROBLEMS} more findings in this file are left out`;
  return [
    ...all.slice(0, MOST_PROBLEMS),
    { ...problemOf(lines, { rule: "unreadable", at: 0 }), line, column, message: rest },
  ];
};

const problemOf = (lines: Lines, { rule, at, detail, help }: LintFinding): LintProblem => {
  const { code, severity, title, help: usual } = RULES[rule];
  return { ...lines.place(at), rule, code, severity, message: detail ?? title, help: help ?? usual };
};
