import type { OutsideFound, OutsideGiven } from "./bundle-outside.mjs";

export type Sequence = {
  readonly dbid: number;
  /** The tenant's OCS; undefined in format 1, which counted by DBID alone. */
  readonly upstream: string | undefined;
  readonly first: number;
  readonly last: number;
  /** How many numbers between the first and the last are missing. */
  readonly missing: number;
  /** The last number, as an entry of the bundle states it. */
  readonly said: number | undefined;
  readonly complete: boolean;
};

export type BundleReport = {
  readonly verdict: "ok" | "broken" | "cannot-tell";
  readonly bundle: string;
  readonly events: number;
  readonly proved: number;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | undefined;
  readonly signed: string | undefined;
  readonly keys: "given" | "bundle";
  readonly sequences: readonly Sequence[];
  /** Index of the entry that states the last numbers. */
  readonly said: number | undefined;
  readonly inDoubt: number;
  readonly findings: readonly string[];
  readonly more: number;
  readonly missing: readonly string[];
  readonly notProved: readonly string[];
  /** Files beside the bundle that cannot be mistaken for a part of it. */
  readonly ignored: readonly string[];
  readonly outside: OutsideFound;
};

/** `isPacked`: the directory has what was in a zip, and nothing else. */
export type BundleGiven = OutsideGiven & { readonly isPacked?: boolean };

export declare const verifyBundle: (dir: string, key?: string, given?: BundleGiven) => Promise<BundleReport>;
export declare const printBundle: (report: BundleReport) => string;
