/** Questions about the config to the view thread, and its answers. Plain values only. */
import type { Fixed } from "../../../settings/diff/needs-restart.ts";
import type { Problem } from "../../../settings/problems/problem.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { RowsPage, RowsQuery } from "../../../settings/view/config-rows.ts";
import type { PackedContent } from "../parsed-cache.ts";

/** The reading in force. Without `kept` the file on disk is taken, if it still has this hash. */
export type InForce = {
  readonly file: string;
  readonly hash: string;
  /** SHA-256 of the files that the config names, by path. */
  readonly files: ReadonlyMap<string, string | undefined>;
  readonly kept: PackedContent | undefined;
};

export type Question =
  | { readonly kind: "rows"; readonly query: RowsQuery }
  /** `before`: the settings that need a restart. */
  | { readonly kind: "check"; readonly before: Fixed }
  | { readonly kind: "differences"; readonly dir: string; readonly from: string; readonly to: string }
  | { readonly kind: "snapshot"; readonly dir: string };

export type Job = { readonly inForce: InForce; readonly question: Question };

/** What `check` says about the file on disk. */
export type CheckedFile = {
  /** Of the file on disk; empty if it cannot be read. */
  readonly hash: string;
  /** Neither the config nor a file that it names differs from what is in force. */
  readonly same: boolean;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  /** How many more problems there are. */
  readonly more: number;
  /** What a reload would change, one sentence each; empty for an invalid file. */
  readonly changes: readonly string[];
  /** Of a valid file. */
  readonly listeners: Settings["listeners"] | undefined;
  /** Changes that a reload refuses, because they need a restart. */
  readonly restart: readonly Problem[];
};

/** `changes`: null if a snapshot cannot be compared. `missing`: the hashes without a snapshot. */
export type Compared = { readonly changes: readonly string[] | null; readonly missing: readonly string[] };

export type Answers = {
  readonly rows: RowsPage;
  readonly check: CheckedFile;
  readonly differences: Compared;
  readonly snapshot: null;
};

export type Result<Kind extends Question["kind"] = Question["kind"]> =
  | { readonly answer: Answers[Kind] }
  | { readonly failed: string };
