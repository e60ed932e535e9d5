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
  readonly outside: OutsideFound;
};

export declare const verifyBundle: (dir: string, key?: string, given?: OutsideGiven) => Promise<BundleReport>;
export declare const printBundle: (report: BundleReport) => string;
