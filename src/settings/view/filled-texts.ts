/**
 * Texts of a config that come from variables and named files. Such a text may be a secret, whatever its key, so no
 * sentence for log, journal or a reply quotes it.
 */
import { interpolate, type Sources } from "../interpolate.ts";
import { merge, NO_CACHE, type ParseCache } from "../files/merge-files.ts";
import type { ConfigText } from "../files/config-text.ts";
import type { Problem } from "../problems/problem.ts";
import type { Settings } from "../schema/schema.ts";
import { rawOf } from "./config-rows.ts";
import { scrubber } from "./hidden.ts";
import { hiddenValues } from "./hidden-because.ts";

/** Empty for a config without variables: what is a secret by its key is never quoted anyway. */
export const filledTexts = (text: ConfigText, settings: Settings, cache: ParseCache = NO_CACHE): readonly string[] =>
  [text.main, ...text.tenants].some((part) => part.text.includes("${"))
    ? [...new Set(hiddenValues({ raw: rawOf(text, cache), value: settings }))]
    : [];

/** The same, and secrets, of a config that may be invalid. `source`: reads the named files. */
export const textsToHide = (
  { text }: { readonly text?: ConfigText },
  source: Sources,
  cache: ParseCache = NO_CACHE,
): Iterable<string> => {
  if (!text) return [];
  const { value } = merge(text, { fill: (each) => interpolate(each, source), instead: () => "", cache });
  return hiddenValues({ raw: rawOf(text, cache), value });
};

type Filled = { readonly filled?: readonly string[] | undefined };

/** Hides the texts of both configs in sentences about their differences. */
export const withoutFilled = (before: Filled, after: Filled): ((text: string) => string) => {
  const filled = [...(before.filled ?? []), ...(after.filled ?? [])];
  return filled.length === 0 ? (text) => text : scrubber(filled);
};

/** The problem, without what `hide` hides in its sentences. */
export const scrubbedProblem = (problem: Problem, hide: (text: string) => string): Problem => {
  const { message, help, path, also } = problem;
  return {
    ...problem,
    path: hide(path),
    message: hide(message),
    ...(help !== undefined && { help: hide(help) }),
    ...(also && { also: { ...also, message: hide(also.message) } }),
  };
};
