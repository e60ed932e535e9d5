/** The questions to the flow thread and its answers, as plain values; several of each in one message. */
import type { Known, Portion, Watching } from "../shared-feed.ts";

export type ThreadData = { readonly dir: string; readonly secret: Uint8Array };

export type FlowQuestion =
  | ({ readonly ask: "open"; readonly watcher: number } & Watching)
  | ({ readonly ask: "read"; readonly watcher: number } & Known)
  | { readonly ask: "close"; readonly watcher: number };

/** For `open`: the cursor, or undefined if this journal has another entry at that place. */
export type FlowAnswer = { readonly cursor?: string | undefined; readonly portion?: Portion };

export type NumberedQuestion = { readonly number: number; readonly question: FlowQuestion };
export type NumberedAnswer = { readonly number: number } & (FlowAnswer | { readonly failed: string });
