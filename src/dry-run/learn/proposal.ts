/** What `learn` proposes for one tenant: changes of its config, each with what was seen, and what it leaves open. */
import type { Path } from "../../settings/problems/problem.ts";
import type { Evidence } from "./evidence.ts";

/** `path`: as in the settings. Without `value` the key is removed. */
export type Edit = { readonly path: Path; readonly value?: unknown };

export type Change = {
  readonly change: "add" | "remove" | "set";
  /** A key of the config, as a path in text below its tenant. */
  readonly key: string;
  readonly value: string;
  /** Undefined: nothing was seen, which is why it is removed. */
  readonly evidence: Evidence | undefined;
  /** Where the counts alone do not say why. */
  readonly why?: string;
};

/** Seen in fewer requests than the threshold, so it is not granted. */
export type Rare = { readonly key: string; readonly value: string; readonly evidence: Evidence };

/** A name that the tenant does not have, and requests that were refused for it. */
export type RefusedName = {
  readonly kind: "list" | "campaign" | "group";
  readonly name: string;
  readonly evidence: Evidence;
  readonly verdict:
    | "may be added"
    | "added"
    | "rare"
    | "another tenant's"
    | "two tenants use it"
    | "spelled differently"
    | "unknown group"
    | "masked"
    | "not a name";
  /** The tenants or the name in the way, in words. */
  readonly detail: string;
};

export type Proposal = {
  readonly changes: readonly Change[];
  readonly edits: readonly Edit[];
  readonly rare: readonly Rare[];
  /** What stays although nothing was proved about it, in sentences. */
  readonly notes: readonly string[];
};

export const NOTHING: Proposal = { changes: [], edits: [], rare: [], notes: [] };

export const merged = (parts: readonly Proposal[]): Proposal => ({
  changes: parts.flatMap(({ changes }) => changes),
  edits: parts.flatMap(({ edits }) => edits),
  rare: parts.flatMap(({ rare }) => rare),
  notes: parts.flatMap(({ notes }) => notes),
});

/** Fewer have no 99.9th percentile. */
export const MIN_FOR_LIMITS = 1000;

/** How much is proposed. `minRequests`: the threshold of what is added. */
export type Thresholds = {
  readonly minRequests: number;
  /** Requests from which new limits are proposed. */
  readonly minForLimits: number;
  /** Removes and restricts nothing. */
  readonly addOnly: boolean;
};
