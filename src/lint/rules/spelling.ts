/** Names of OCS anywhere in a file: the manual's misprints, and names that are nearly known ones. */
import { ATTRIBUTES } from "../../ocs/attributes.ts";
import { canonicalSpelling, nearestName, OCS_NAMES } from "../names.ts";
import type { LintFinding } from "./table.ts";

const NAME = /\bGSW_[A-Za-z][A-Za-z0-9_]{0,60}/g;

/** Different names that are looked up; OCS has a hundred. */
const MOST_NAMES = 5_000;

/** `judged`: offsets that another rule has judged already. */
export const judgeSpelling = (text: string, judged: ReadonlySet<number>): readonly LintFinding[] => {
  const known = new Map<string, Omit<LintFinding, "at"> | undefined>();
  return [...text.matchAll(NAME)].flatMap(({ 0: name, index }): readonly LintFinding[] => {
    // A member begins at its quote.
    if (judged.has(index) || judged.has(index - 1)) return [];
    if (!known.has(name)) known.set(name, known.size < MOST_NAMES ? findingFor(name) : undefined);
    const found = known.get(name);
    return found ? [{ ...found, at: index }] : [];
  });
};

const findingFor = (name: string): Omit<LintFinding, "at"> | undefined => {
  if (OCS_NAMES.has(name)) return undefined;
  const right = canonicalSpelling(name);
  if (right !== undefined)
    return { rule: "manualSpelling", detail: `${name} is a misprint of the manual`, help: `write ${right}` };
  const near = nearestName(name, [...Object.keys(ATTRIBUTES), ...OCS_NAMES]);
  return near === undefined
    ? undefined
    : { rule: "misspelledName", detail: `${name} looks like a misspelled name`, help: `did you mean ${near}?` };
};
