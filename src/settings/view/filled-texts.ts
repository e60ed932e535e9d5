/**
 * Texts of a config that come from variables and named files. Such a text may be a secret, whatever its key, so no
 * sentence for log, journal or a reply quotes it.
 */
import { NO_CACHE, type ParseCache } from "../files/merge-files.ts";
import type { ConfigText } from "../files/config-text.ts";
import type { Settings } from "../schema/schema.ts";
import { rawOf } from "./config-rows.ts";
import { scrubber } from "./hidden.ts";
import { hiddenValues } from "./leaves.ts";

/** Empty for a config without variables: what is a secret by its key is never quoted anyway. */
export const filledTexts = (text: ConfigText, settings: Settings, cache: ParseCache = NO_CACHE): readonly string[] =>
  [text.main, ...text.tenants].some((part) => part.text.includes("${"))
    ? [...new Set(hiddenValues({ raw: rawOf(text, cache), value: settings }))]
    : [];

type Filled = { readonly filled?: readonly string[] | undefined };

/** Hides the texts of both configs in sentences about their differences. */
export const withoutFilled = (before: Filled, after: Filled): ((text: string) => string) => {
  const filled = [...(before.filled ?? []), ...(after.filled ?? [])];
  return filled.length === 0 ? (text) => text : scrubber(filled);
};
