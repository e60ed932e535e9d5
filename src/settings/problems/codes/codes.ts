/**
 * What each code of a config problem means, and what to do: for `ocsgw error CODE` and the pages at /docs/errors. A
 * problem that `check` prints says the same about one place of one file.
 */
import type { CodeRow } from "./code-row.ts";
import { FILES } from "./files.ts";
import { PARTS } from "./parts.ts";
import { VALUES } from "./values.ts";
import { WARNINGS } from "./warnings.ts";

/** By the number of the code, for example 6101. */
export const CONFIG_CODES: Readonly<Record<number, CodeRow>> = { ...VALUES, ...PARTS, ...FILES, ...WARNINGS };
