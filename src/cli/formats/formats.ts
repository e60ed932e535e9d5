/** The formats in which `check` and `lint` print what they found, and what the formats print of each finding. */

export const FORMATS = ["text", "json", "sarif", "github"] as const;
export type Format = (typeof FORMATS)[number];

/** `unsure`: something that cannot be decided. Line and column count from 1. */
export type Result = {
  readonly level: "error" | "warning" | "unsure";
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly help?: string;
};
