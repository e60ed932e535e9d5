/** The second places of the checkpoints: what is there already, and who brings the new ones. */
import { events } from "../events.ts";
import { within } from "../journal/broken.ts";
import type { Journal } from "../journal/append.ts";
import type { Checkpoint } from "../journal/note.ts";
import { catchUp, Publisher, type PublisherNews } from "../journal/publisher.ts";
import { secondPlace, type SecondPlace } from "../journal/second-place.ts";
import type { Settings } from "../settings/schema.ts";
import type { Stops } from "./stops.ts";

const PATIENCE_MS = 2000;

type Found = { readonly place: SecondPlace; /** Undefined where nothing can be read. */ readonly checkpoints: readonly Checkpoint[] | undefined };

/** What earlier runs published of this journal. A place that is away now is told and passed over. */
export const readSecondPlaces = ({ audit }: Settings): Promise<Found[]> =>
  Promise.all(audit.checkpoint.publish.map(async (address): Promise<Found> => {
    const place = secondPlace(address);
    try {
      const checkpoints = await within(PATIENCE_MS, place.published(), place.name);
      return { place, checkpoints: checkpoints?.filter(({ origin }) => origin === audit.checkpoint.origin) };
    } catch (error) {
      events.secondPlaceAway(place.name, error instanceof Error ? error.message : String(error));
      return { place, checkpoints: undefined };
    }
  }));

export type SecondPlaces = { readonly publish: (note: string) => void; /** In words, where checkpoints do not arrive. */ readonly troubles: () => readonly string[] };

/** Begins with what is missing there. */
export const startPublishing = async (found: readonly Found[], journal: Journal, stops: Stops): Promise<SecondPlaces> => {
  const publishers = found.map(({ place }) => new Publisher(place, tellOf(journal)));
  stops.push(async () => void (await Promise.all(publishers.map(({ stop }) => stop()))));
  for (const [at, publisher] of publishers.entries()) {
    const { checkpoints } = found[at]!;
    await catchUp(journal, publisher, checkpoints && (checkpoints.at(-1)?.size ?? 0));
  }
  return {
    publish: (note) => publishers.forEach((publisher) => publisher.publish(note)),
    troubles: () => publishers.flatMap(({ trouble }) => trouble ?? []),
  };
};

const tellOf = (journal: Journal) => (news: PublisherNews): void => {
  if (news.kind === "back") return events.secondPlaceBack(news.place);
  events.secondPlaceAway(news.place, news.reason);
  journal.note({ kind: "alarm", reason: "checkpoints do not reach their second place", detail: `${news.place}: ${news.reason}` });
};
