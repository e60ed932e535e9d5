/**
 * The feed that is shown. It outlives the page: whoever comes back from a flow finds the list as it was. A new question
 * replaces it when its first answer is there, so that the last good rows stay while a filter is wrong or slow.
 */
import { computed, signal } from "@preact/signals";
import { FlowFeed, type FeedState, type Question } from "./flow-feed.ts";
import type { FlowRow } from "./flow-list.ts";

const shown = signal<{ readonly feed: FlowFeed; readonly state: FeedState } | undefined>(undefined);
const asked = signal<{ readonly feed: FlowFeed; readonly state: FeedState } | undefined>(undefined);

/** The rows on screen and all about them; undefined before the first question. */
export const view = computed(() => shown.value?.state);

/** The question whose answer is not there yet; undefined when the shown one is the last. */
export const pending = computed(() => asked.value && { question: asked.value.feed.question, state: asked.value.state });

/** Where the list was left. */
export const place: { scrollTop: number; current: string | undefined } = { scrollTop: 0, current: undefined };

export const arrivals = new Set<(rows: readonly FlowRow[]) => void>();

const isSame = (one: Question, other: Question): boolean => one.filter === other.filter && one.range === other.range;

/** Shows the flows of this question. */
export const openView = (question: Question): void => {
  asked.peek()?.feed.stop();
  asked.value = undefined;
  const now = shown.peek();
  if (now && isSame(now.feed.question, question)) return now.feed.start();
  const feed: FlowFeed = new FlowFeed(question, {
    onChange: (state) => {
      if (shown.peek()?.feed === feed) shown.value = { feed, state };
      else if (asked.peek()?.feed !== feed) return;
      else if (state.isReady || !shown.peek()) replaceBy(feed, state);
      else asked.value = { feed, state };
    },
    onArrivals: (rows) => {
      if (shown.peek()?.feed === feed) for (const call of arrivals) call(rows);
    },
  });
  asked.value = { feed, state: feed.state };
  feed.start();
};

const replaceBy = (feed: FlowFeed, state: FeedState): void => {
  shown.peek()?.feed.stop();
  Object.assign(place, { scrollTop: 0, current: undefined });
  shown.value = { feed, state };
  asked.value = undefined;
};

/** Ends all streams. The rows stay for `openView` with the same question. */
export const leaveView = (): void => {
  shown.peek()?.feed.stop();
  asked.peek()?.feed.stop();
  asked.value = undefined;
};

export const feed = (): FlowFeed | undefined => shown.peek()?.feed;

/** Forgets everything, for example when another person logs in. */
export const forgetView = (): void => {
  leaveView();
  shown.value = undefined;
};
