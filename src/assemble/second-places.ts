/** The second places of the checkpoints: what is there already, and who brings the new ones. */
import type { PlaceState } from "../console/metrics.ts";
import { events } from "../events.ts";
import { within } from "../journal/broken.ts";
import type { Journal } from "../journal/append.ts";
import type { Published } from "../journal/evidence.ts";
import { catchUp, Publisher, type PublisherNews } from "../journal/publisher.ts";
import { secondPlace, type SecondPlace } from "../journal/second-place.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";
import { faultInWords } from "../system-error.ts";

const PATIENCE_MS = 2000;

export type Found = Published & {
  readonly place: SecondPlace;
  /** Why it could not be read. */
  readonly away?: string;
};

/** What earlier runs published. A place that is away now is passed over. */
export const readSecondPlaces = ({ audit }: Settings): Promise<Found[]> =>
  Promise.all(
    audit.checkpoint.publish.map(async (address): Promise<Found> => {
      const place = secondPlace(address);
      const { name } = place;
      try {
        return { place, name, notes: await within(PATIENCE_MS, place.published(), name) };
      } catch (error) {
        return { place, name, notes: undefined, away: faultInWords(error) };
      }
    }),
  );

export type SecondPlaces = {
  readonly publish: (note: string) => void;
  /** In words, where checkpoints do not arrive or did not stay. */
  readonly troubles: () => readonly string[];
  readonly states: () => readonly PlaceState[];
};

/** Sizes of what is in each place, as evidence tells. */
type Newest = readonly (number | undefined)[];

/** Begins with what is missing there. */
export const startPublishing = async (
  found: readonly Found[],
  newest: Newest,
  journal: Journal,
  stops: Stops,
): Promise<SecondPlaces> => {
  const publishers = found.map(({ place }) => new Publisher(place, tellOf(journal)));
  stops.push(async () => void (await Promise.all(publishers.map(({ stop }) => stop()))));
  for (const [at, publisher] of publishers.entries()) {
    const { name, away } = found[at]!;
    if (away !== undefined) events.secondPlaceAway(name, away);
    await catchUp(journal, publisher, newest[at]);
  }
  return {
    publish: (note) => publishers.forEach((publisher) => publisher.publish(note)),
    troubles: () => publishers.flatMap(({ trouble }) => trouble ?? []),
    states: () => publishers.map(({ place, arrives, waiting }) => ({ place, arrives, waiting })),
  };
};

const AWAY = "checkpoints do not reach their second place";
const EMPTIED = "a second place of the checkpoints was removed or emptied";

const tellOf =
  (journal: Journal) =>
  (news: PublisherNews): void => {
    switch (news.kind) {
      case "back":
        return events.secondPlaceBack(news.place);
      case "away":
        events.secondPlaceAway(news.place, news.reason);
        return journal.note({ kind: "alarm", reason: AWAY, detail: `${news.place}: ${news.reason}` });
      case "emptied":
        events.secondPlaceEmptied(news.place);
        return journal.note({ kind: "alarm", reason: EMPTIED, detail: news.place });
    }
  };
