/** The questions to the search threads and their answers, as plain values. */
import type { UnknownName } from "../filter/vocabulary.ts";
import type { NamedSecrets } from "../../integrity/key-checks.ts";
import type { Note } from "../../open-dnc/handled-notes.ts";
import type { CoverageGap } from "../coverage-gaps.ts";
import type { DncLedger, LedgerQuestion } from "../dnc/ledger.ts";
import type { Evidence } from "../person-search.ts";
import type { Snapshot } from "../../open-dnc/open-dnc-rows.ts";
import type { IndexKeys } from "../../redact.ts";
import type { Counted, Searched } from "../journal-search.ts";
import type { Scope } from "../scope/part.ts";
import type { SegmentRow } from "../segment-rows.ts";
import type { LineProofs } from "../line-proofs.ts";
import type { Person } from "../phone-variants.ts";
import type { Transaction } from "../transaction.ts";

/** `names`: names in the filter that the config does not have. */
type Paged = {
  readonly filter: string;
  readonly names: readonly UnknownName[];
  readonly before?: number | undefined;
  readonly limit: number;
};

/** Only what people of this scope may see. */
type Scoped = { readonly scope?: Scope | undefined };

export type Question =
  | ({ readonly kind: "page" } & Paged & Scoped)
  | ({
      readonly kind: "person";
      readonly person: Person;
      readonly keys: IndexKeys;
      /** Secrets by name, for messages. */
      readonly known?: NamedSecrets;
    } & Paged &
      Scoped)
  | ({ readonly kind: "transaction"; readonly id: string } & Scoped)
  /** The lines of the newest request whose id begins so, with what proves that the journal has them. */
  | { readonly kind: "proofs"; readonly id: string }
  | { readonly kind: "open-dnc" }
  | ({ readonly kind: "dnc-ledger" } & LedgerQuestion)
  | { readonly kind: "open-dnc-snapshot"; readonly most: number }
  /** How many requests and events match each of the filters. */
  | { readonly kind: "counts"; readonly filters: readonly string[] }
  /** Which periods the entries cover. */
  | { readonly kind: "coverage" }
  | { readonly kind: "segments"; readonly before?: number | undefined; readonly limit: number }
  /** One step of maintenance: see SearchIndex. */
  | { readonly kind: "maintain" };

export type Answer = {
  readonly transactions?: readonly Transaction[];
  /** For `open-dnc`: the notes about them. */
  readonly notes?: readonly Note[];
  readonly next?: number | undefined;
  readonly searched?: Searched;
  readonly evidence?: Evidence;
  readonly openDncSnapshot?: Snapshot;
  readonly ledger?: DncLedger;
  /** For `counts`, in the order of the filters. */
  readonly counts?: readonly Counted[];
  /** For `coverage`. */
  readonly gaps?: readonly CoverageGap[];
  readonly segments?: readonly SegmentRow[];
  /** For `proofs`; absent if there is no such request. */
  readonly proofs?: LineProofs;
  /** For `maintain`: whether there may be more to do. */
  readonly more?: boolean;
  /** Sentences, for example about unknown names. */
  readonly warnings?: readonly string[];
};

/** Start data of a thread. `number`: above 0. `turn`: see `worker.ts`. */
export type ThreadData = { readonly dir: string; readonly number: number; readonly turn: SharedArrayBuffer };

/** A question and its time limit in milliseconds. */
export type TimedQuestion = { readonly question: Question; readonly ms: number };

/**
 * `invalid`: the question is invalid, with a message for the user. `timedOut`, `failed`: why the search has no result.
 */
export type SearchResult =
  | { readonly answer: Answer }
  | { readonly invalid: string }
  | { readonly timedOut: string }
  | { readonly failed: string };

/** `started`: the time limit runs from now on. */
export type WorkerMessage = SearchResult | { readonly started: true };
