/**
 * An ordered log that several gateways write and all apply in the same order. Every method rejects with
 * DatabaseUnavailable if the database did not answer; an append may have been carried out all the same.
 */

/** `id`: a UUID that the writer makes. An event is in the log at most once, however often it is appended. */
export type NewEvent = { readonly id: string; readonly event: object };

export type LogRow = {
  /** From 1 on, without gaps. */
  readonly seq: number;
  readonly id: string;
  /** The writer, and its run. */
  readonly node: string;
  readonly instance: string;
  /** The database's clock, in milliseconds since 1970. */
  readonly at: number;
  /** As it is in the database: check it. */
  readonly event: unknown;
};

/** The state after the event `seq`, in parts. */
export type LogSnapshot = { readonly seq: number; readonly parts: readonly unknown[] };

/** An acknowledgement: the run `instance` has applied all events up to `seq`, and nothing contradicts them any more. */
export type Acknowledgement = { readonly log: string; readonly instance: string; readonly seq: number };

export type SharedLog = {
  /** Appends the events that are not in the log yet. Resolves to the rows that were added, in order. */
  readonly append: (log: string, events: readonly NewEvent[]) => Promise<readonly LogRow[]>;
  /**
   * Resolves to rows from `from` on, some thousand at most, and to the log's last number at that moment. Rows below a
   * snapshot may have been deleted.
   */
  readonly read: (log: string, from: number) => Promise<{ readonly rows: readonly LogRow[]; readonly head: number }>;
  readonly snapshot: (log: string) => Promise<LogSnapshot | undefined>;
  /**
   * Writes a snapshot and deletes older ones, and events before `keepFrom`. Resolves to false if another gateway writes
   * one now, or has written a newer one.
   */
  readonly putSnapshot: (log: string, snapshot: LogSnapshot, keepFrom: number) => Promise<boolean>;
  /** Tells other gateways at once. They may miss it: the beats say it too. */
  readonly acknowledge: (acknowledgement: Acknowledgement) => Promise<void>;
  /** `onAppended` may miss events, and is called after each gap. */
  readonly listen: (listener: {
    readonly onAppended: (log: string | undefined) => void;
    readonly onAcknowledged: (acknowledgement: Acknowledgement) => void;
  }) => () => void;
};
