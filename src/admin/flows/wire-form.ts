/** How a stream's events travel: as they are, or compressed, where the client accepts that. */
import { GzipStream, storedPart } from "../../common/gzip-parts.ts";
import type { Portion } from "../../journal/flows/shared-feed.ts";

export type WireForm = {
  /** The bytes to send for a portion of the feed, which was made for this form. */
  readonly portion: (portion: Pick<Portion, "bytes" | "plain">) => Uint8Array;
  /** For an event of the stream itself. */
  readonly event: (event: Uint8Array) => Uint8Array;
  /** After the last event. */
  readonly end: () => Uint8Array;
};

const NOTHING = new Uint8Array(0);

export const plainForm: WireForm = { portion: ({ bytes }) => bytes, event: (event) => event, end: () => NOTHING };

/** The thread that reads the journal compresses; here the parts are only put together. */
export const packedForm = (): WireForm => {
  const gzip = new GzipStream();
  return {
    portion: ({ bytes, plain }) => gzip.add(plain ? { bytes, ...plain } : storedPart(bytes)),
    event: (event) => gzip.add(storedPart(event)),
    end: () => gzip.end(),
  };
};
