/** Where the outbox is kept, so that it outlives the process. */
import type { OutboxItem } from "../item.ts";

export type OutboxStore = {
  /** The items of an earlier run, oldest first. */
  readonly restored: readonly OutboxItem[];
  /** The new path of a corrupt file that was moved aside; undefined if the file was intact. */
  readonly movedAside: string | undefined;
  /** Resolves when the new item is on disk. Rejects with StoreFailed; then the item will not be on disk. */
  readonly put: (item: OutboxItem) => Promise<void>;
  /** Writes the changed item; retried until it is on disk. */
  readonly save: (item: OutboxItem) => void;
  /** Deletes the item; retried until it is done. */
  readonly remove: (id: string) => void;
  /**
   * Whether this gateway sends the item: not while it may be taken for dead, and not if another gateway sends it.
   * Absent where there is only one gateway, as the following two.
   */
  readonly drives?: ((id: string) => "yes" | "not-now" | "no") | undefined;
  /** Milliseconds since the item was accepted, by the clock of the database; undefined if that is not known. */
  readonly ageOf?: ((id: string) => number | undefined) | undefined;
  /** Begins to follow the changes of other gateways: calls `onChange` with items as others have changed them. */
  readonly watch?: ((onChange: (item: OutboxItem) => void) => void) | undefined;
  /** Why changes are not on disk yet; undefined while they are. */
  readonly trouble: () => string | undefined;
  /** Writes what is queued and closes the database. */
  readonly close: () => Promise<void>;
};

export class StoreFailed extends Error {
  override readonly name = "StoreFailed";
}
