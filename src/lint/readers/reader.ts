/** What every reader of a kind of file gets and gives. */
import type { Reading } from "../calls.ts";
import type { Url } from "../url.ts";

export type Source = {
  readonly text: string;
  /** True for an address that is known to be OCS's. */
  readonly isKnownAddress: (url: Url) => boolean;
};

export type Reader = (source: Source) => Reading;
