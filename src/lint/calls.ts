/**
 * What a reader finds in a file: calls to OCS, with the parts that only the running program knows marked as unknown.
 * The rules judge calls alone, so that each rule holds for every kind of file.
 */

/** A part of a text that the file alone does not tell. `recordUri`: it begins with the address in GSW_RECORD_URI. */
export type Hole = { readonly recordUri: boolean };

export type Part = string | Hole;

export type Member = { readonly key: string | undefined; readonly value: Value; readonly at: number };

/** A value as far as the file tells it. `at`: the offset where it is written. */
export type Value =
  | { readonly kind: "text"; readonly parts: readonly Part[]; readonly at: number; readonly exact?: true }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  /** `open`: it may have more members than these. */
  | { readonly kind: "object"; readonly members: readonly Member[]; readonly open: boolean; readonly at: number }
  /** true, false, an array: known, and no text, number or object. */
  | { readonly kind: "other"; readonly json: string; readonly at: number }
  | { readonly kind: "absent"; readonly at: number }
  | { readonly kind: "unknown"; readonly hole: Hole; readonly at: number };

/** A header that the file sets. `recorded`: a program wrote the file, so that nobody typed the header. */
export type Header = { readonly name: string; readonly value: Value; readonly at: number };

export type Range = { readonly start: number; readonly end: number };

export type Call = {
  readonly at: number;
  /** Where the URL is written. */
  readonly urlAt: number;
  readonly method: Value;
  readonly url: readonly Part[];
  readonly headers: readonly Header[];
  /** `absent`: the request has no body. */
  readonly body: Value;
  /** The parts of the file whose failure leads to this call. */
  readonly afterFailureOf: readonly Range[];
  /** A loop, an option or a transition that sends the same request again until it succeeds. */
  readonly retried: boolean;
  /** The body is sent as a form. */
  readonly form: boolean;
  /** A block of a visual flow names its action, and not the URL. */
  readonly action?: string;
};

export const call = (at: number, over: Partial<Call>): Call => ({
  at,
  urlAt: at,
  method: unknown(at),
  url: [],
  headers: [],
  body: unknown(at),
  afterFailureOf: [],
  retried: false,
  form: false,
  ...over,
});

/** A place with a secret: the characters from `at` to `end`. */
export type Secret = { readonly at: number; readonly end: number; readonly what: string };

/** Something that cannot be decided from the file alone. */
export type Undecided = { readonly at: number; readonly what: string };

/** Why a file, or a part of it, cannot be read. */
export type Fault = { readonly at: number; readonly message: string };

export type Reading = {
  readonly calls: readonly Call[];
  readonly secrets: readonly Secret[];
  /** Names as they are written in the file, for the check of spelling. */
  readonly undecided: readonly Undecided[];
  readonly faults: readonly Fault[];
  /** A program recorded the file: its headers are not typed by hand. */
  readonly recorded?: true;
};

export const NOTHING: Reading = { calls: [], secrets: [], undecided: [], faults: [] };

export const joined = (readings: readonly Reading[]): Reading => ({
  calls: readings.flatMap(({ calls }) => calls),
  secrets: readings.flatMap(({ secrets }) => secrets),
  undecided: readings.flatMap(({ undecided }) => undecided),
  faults: readings.flatMap(({ faults }) => faults),
});

export const HOLE: Hole = { recordUri: false };
export const RECORD_URI: Hole = { recordUri: true };

export const unknown = (at: number, hole: Hole = HOLE): Value => ({ kind: "unknown", hole, at });
export const absent = (at: number): Value => ({ kind: "absent", at });
export const text = (written: string, at: number): Value => ({ kind: "text", parts: [written], at });

/** The parts of a value as a text; an object or an unknown value is one hole. */
export const partsOf = (value: Value): readonly Part[] => {
  switch (value.kind) {
    case "text":
      return value.parts;
    case "number":
      return [value.text];
    case "unknown":
      return [value.hole];
    default:
      return [HOLE];
  }
};

/** Joins parts, with neighbouring texts as one. */
export const concat = (...lists: readonly (readonly Part[])[]): readonly Part[] => {
  const joinedParts: Part[] = [];
  for (const part of lists.flat()) {
    const last = joinedParts.at(-1);
    if (part === "") continue;
    if (typeof part === "string" && typeof last === "string") joinedParts[joinedParts.length - 1] = last + part;
    else joinedParts.push(part);
  }
  return joinedParts;
};

/** The whole text, if nothing in it is unknown. */
export const knownText = (value: Value): string | undefined => {
  if (value.kind === "number") return value.text;
  if (value.kind !== "text") return undefined;
  const parts = concat(value.parts);
  if (parts.length === 0) return "";
  return parts.length === 1 && typeof parts[0] === "string" ? parts[0] : undefined;
};
