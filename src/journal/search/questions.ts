/** What can be asked of the threads that search, and their answers: plain values. */
import type { UnknownName } from "../filter/vocabulary.ts";
import type { NamedSecrets } from "../key-checks.ts";
import type { Note } from "../handled.ts";
import type { Evidence } from "../lookup.ts";
import type { Snapshot } from "../open-do-not-calls.ts";
import type { IndexKeys } from "../redact.ts";
import type { Searched } from "../search.ts";
import type { Person } from "../spellings.ts";
import type { Story } from "../story.ts";

/** `names`: those of the filter that the config does not have. */
type Paged = {
  readonly filter: string;
  readonly names: readonly UnknownName[];
  readonly before?: number | undefined;
  readonly limit: number;
};

export type Question =
  | ({ readonly kind: "page" } & Paged)
  | ({
      readonly kind: "person";
      readonly person: Person;
      readonly keys: IndexKeys;
      /** Secrets by name, for messages. */ readonly known?: NamedSecrets;
    } & Paged)
  | { readonly kind: "story"; readonly id: string }
  | { readonly kind: "owed" }
  | { readonly kind: "open-do-not-calls"; readonly most: number }
  /** One step of what can wait: see `Index`. */
  | { readonly kind: "tend" };

export type Answer = {
  readonly stories?: readonly Story[];
  /** Of `owed`: what was noted about them. */
  readonly notes?: readonly Note[];
  readonly next?: number | undefined;
  readonly searched?: Searched;
  readonly evidence?: Evidence;
  readonly openDoNotCalls?: Snapshot;
  /** Of `tend`: whether there may be more to do. */
  readonly more?: boolean;
  /** Sentences: of names that nobody knows, for example. */
  readonly warnings?: readonly string[];
};

/** What a thread is started with. `number` is above 0; of `turn` see the worker. */
export type ThreadData = { readonly dir: string; readonly number: number; readonly turn: SharedArrayBuffer };

/** A question and the milliseconds that it may take. */
export type Posed = { readonly question: Question; readonly ms: number };

/**
 * `wrong`: what was asked cannot be answered, in words for who asked. `late`: its time was over. `failed`: the search
 * itself.
 */
export type Ended =
  | { readonly answer: Answer }
  | { readonly wrong: string }
  | { readonly late: string }
  | { readonly failed: string };

/** `begun`: from now on the question's time runs. */
export type Told = Ended | { readonly begun: true };
