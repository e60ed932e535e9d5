/** Checkpoint sinks: reads what they already have, and publishes new checkpoints there. */
import type { SinkState } from "../../../admin/metrics/sources.ts";
import { events } from "../../../common/log/events.ts";
import { withTimeout } from "../../../common/timeout.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { PublishedCheckpoints } from "../../../journal/integrity/signed-evidence.ts";
import { catchUp, Publisher, type PublisherEvent } from "../../../journal/integrity/checkpoints/publisher.ts";
import { checkpointSink, type CheckpointSink } from "../../../journal/integrity/checkpoints/checkpoint-sink.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { faultInWords } from "../../../common/system-error.ts";

const READ_TIMEOUT_MS = 2000;

export type SinkReading = PublishedCheckpoints & {
  readonly place: CheckpointSink;
  /** Why the place could not be read. */
  readonly away?: string;
};

/** Reads what earlier runs published. An unreachable place gets `away` instead of notes. */
export const readCheckpointSinks = ({ audit }: Settings): Promise<SinkReading[]> =>
  Promise.all(
    audit.checkpoint.publish.map(async (address): Promise<SinkReading> => {
      const place = checkpointSink(address);
      const { name } = place;
      try {
        return { place, name, notes: await withTimeout(READ_TIMEOUT_MS, place.published(), name) };
      } catch (error) {
        return { place, name, notes: undefined, away: faultInWords(error) };
      }
    }),
  );

export type CheckpointSinks = {
  readonly publish: (note: string) => void;
  /** One sentence for each place that checkpoints do not reach, or that lost some. */
  readonly troubles: () => readonly string[];
  readonly states: () => readonly SinkState[];
};

/** Size of the newest checkpoint in each place, from the evidence read at the start. */
type Newest = readonly (number | undefined)[];

/** First publishes what each place lacks. */
export const startPublishing = async (
  found: readonly SinkReading[],
  newest: Newest,
  journal: Journal,
  stops: ShutdownSteps,
): Promise<CheckpointSinks> => {
  const publishers = found.map(({ place }) => new Publisher(place, reportNews(journal)));
  stops.push(async () => void (await Promise.all(publishers.map(({ stop }) => stop()))));
  for (const [at, publisher] of publishers.entries()) {
    const { name, away } = found[at]!;
    if (away !== undefined) events.checkpointSinkDown({ sink: name, reason: away });
    await catchUp(journal, publisher, newest[at]);
  }
  return {
    publish: (note) => publishers.forEach((publisher) => publisher.publish(note)),
    troubles: () => publishers.flatMap(({ trouble }) => trouble ?? []),
    states: () => publishers.map(({ place, arrives, waiting }) => ({ place, arrives, waiting })),
  };
};

const AWAY = "checkpoints cannot be delivered to a checkpoint sink";
const SHORTENED = "a checkpoint sink was removed, emptied or shortened";

const reportNews =
  (journal: Journal) =>
  (news: PublisherEvent): void => {
    switch (news.kind) {
      case "back":
        return events.checkpointSinkRecovered({ sink: news.place });
      case "away":
        events.checkpointSinkDown({ sink: news.place, reason: news.reason });
        return journal.note({ kind: "alarm", reason: AWAY, detail: `${news.place}: ${news.reason}` });
      case "shortened":
        events.checkpointSinkEmptied({ sink: news.place });
        return journal.note({ kind: "alarm", reason: SHORTENED, detail: news.place });
      case "restored":
        return events.checkpointSinkRestored({ sink: news.place });
    }
  };
