/**
 * The outbox on disk: SQLite in its own thread, so that a hanging disk delays only those who wait for it. The file has
 * the numbers of persons who must not be called, readable for the gateway's user only, until OCS has answered 200.
 */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { faultInWords } from "../../common/system-error.ts";
import type { OutboxItem } from "../item.ts";
import type { ThreadReply } from "./messages.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { StoreFailed, type OutboxStore } from "./types.ts";

export { StoreFailed, type OutboxStore } from "./types.ts";

/**
 * Rejects if the file cannot be opened (it is locked, the disk is full). A corrupt file is moved aside instead. Without
 * a file, one is made for the first item: most gateways need none.
 */
export const openOutboxStore = (file: string): Promise<OutboxStore> =>
  existsSync(file) ? openFile(file) : Promise.resolve(new StoreOnDemand(() => openFile(file)));

/** No file exists yet. */
class StoreOnDemand implements OutboxStore {
  readonly restored = [];
  readonly movedAside = undefined;
  readonly #open: () => Promise<OutboxStore>;
  #opening: Promise<OutboxStore> | undefined;
  #store: OutboxStore | undefined;

  constructor(open: () => Promise<OutboxStore>) {
    this.#open = open;
  }

  readonly put = async (item: OutboxItem): Promise<void> => {
    this.#opening ??= this.#open();
    try {
      this.#store = await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw new StoreFailed(faultInWords(error));
    }
    await this.#store.put(item);
  };

  readonly save = (item: OutboxItem): void => this.#store?.save(item);
  readonly remove = (id: string): void => this.#store?.remove(id);
  readonly trouble = (): string | undefined => this.#store?.trouble();
  readonly close = async (): Promise<void> => (await this.#opening?.catch(() => undefined))?.close();
}

const openFile = (file: string): Promise<OutboxStore> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL("./store-worker.ts", import.meta.url), {
      workerData: file,
      name: "outbox",
      execArgv: [],
    });
    thread.once("error", reject).once("message", (reply: ThreadReply) => {
      thread.off("error", reject);
      if (reply.kind === "opened") resolve(new SqliteStore(thread, reply));
    });
  });
