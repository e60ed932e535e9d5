/** What `ocsgw learn` takes and prints. */
import type { Learned } from "../../dry-run/learn/learn.ts";
import type { Problem } from "../../settings/problems/problem.ts";

/** `since`: a duration. `out`: a new file for the proposed config. */
export type LearnCommandOptions = {
  readonly config: string;
  readonly since: string;
  readonly journal?: string;
  readonly tenant?: readonly string[];
  readonly minRequests: number;
  readonly acceptNames?: boolean;
  readonly addOnly?: boolean;
  readonly enforce?: boolean;
  readonly write?: boolean;
  readonly out?: string;
  readonly json?: boolean;
};

/** What is printed. */
export type LearnReport = Learned & {
  readonly config: string;
  /** RFC 3339: the beginning of the period, and the first entry in it. */
  readonly since: string;
  readonly oldest: string | null;
  readonly min_requests: number;
  readonly complete: boolean;
  /** What is missing of the period. */
  readonly missing: readonly string[];
  readonly diff: string;
  /** Errors of the proposed config; while there are any, it is not written. */
  readonly problems: readonly Problem[];
  /** The files that were written. */
  readonly written: readonly string[];
};
