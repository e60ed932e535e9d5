/** What can be asked of the thread that searches, and its answers: plain values. */
import type { Evidence } from "../lookup.ts";
import type { Snapshot } from "../open-do-not-calls.ts";
import type { IndexKeys } from "../redact.ts";
import type { Searched } from "../search.ts";
import type { Person } from "../spellings.ts";
import type { Story } from "../story.ts";

type Paged = { readonly filter: string; readonly before?: number | undefined; readonly limit: number };

export type Question =
  | ({ readonly kind: "page" } & Paged)
  | ({ readonly kind: "person"; readonly person: Person; readonly keys: IndexKeys } & Paged)
  | { readonly kind: "story"; readonly id: string }
  | { readonly kind: "owed" }
  | { readonly kind: "open-do-not-calls"; readonly most: number };

export type Answer = {
  readonly stories?: readonly Story[];
  readonly next?: number | undefined;
  readonly searched?: Searched;
  readonly evidence?: Evidence;
  readonly openDoNotCalls?: Snapshot;
};

/** `wrong`: what was asked cannot be answered, in words for who asked. `failed`: the search itself. */
export type Told = { readonly number: number; readonly answer?: Answer; readonly wrong?: string; readonly failed?: string };
