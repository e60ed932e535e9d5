/**
 * What the console shows about the config: the settings in force, what `check` says about the file on disk, and the
 * differences between configs that were in force. A snapshot of each config that comes into force is kept.
 */
import { SerialQueue } from "../../../common/serial-queue.ts";
import { events } from "../../../common/log/events.ts";
import { paths } from "../../../journal/paths.ts";
import { fixedOf } from "../../../settings/diff/needs-restart.ts";
import { rawOf, type RowsPage, type RowsQuery } from "../../../settings/view/config-rows.ts";
import { keysAt } from "../../../settings/schema/schema-tree.ts";
import { withoutCredentials } from "../../../settings/view/hidden.ts";
import { snapshotOf } from "../../../settings/view/snapshot.ts";
import { parseCacheOf, unpack } from "../parsed-cache.ts";
import type { Reading } from "../reading.ts";
import { notAppliedProblem } from "../../reload-outcome.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { CheckedFile, Compared, InForce } from "./messages.ts";
import type { ActiveGeneration } from "../../switch-generation.ts";
import { snapshotsIn, writeSnapshot } from "./snapshot-files.ts";
import { ViewThread } from "./view-thread.ts";

export type ConfigView = {
  readonly file: string;
  readonly hash: () => string;
  /** The keys at the top of the file. */
  readonly sections: readonly string[];
  /** Hides what may be a credential in a sentence. */
  readonly masked: (text: string) => string;
  /** All reject with ConfigUnavailable. */
  readonly rows: (query: RowsQuery) => Promise<RowsPage>;
  readonly check: () => Promise<Omit<CheckedFile, "listeners">>;
  readonly differences: (from: string, to: string) => Promise<Compared>;
  /** The hashes of the configs that can be compared. */
  readonly snapshots: () => Promise<ReadonlySet<string>>;
  /** Keeps a snapshot of the config in force, if its text is at hand. A failure is logged. */
  readonly keep: () => void;
};

type Deps = {
  readonly file: string;
  /** Of the journal. */
  readonly dir: string;
  readonly reading: () => Reading;
  readonly problemWith: ActiveGeneration["problemWith"];
};

/** Bytes, uncompressed. The snapshot of a larger config is made on the thread. */
const SMALL = 64 * 1024;

export const createConfigView = ({ file, dir, reading, problemWith }: Deps, stops: ShutdownSteps): ConfigView => {
  const thread = new ViewThread();
  const writing = new SerialQueue();
  const { configs } = paths(dir);
  const inForce = ({ hash, files, kept } = reading()): InForce => ({ file, hash, files, kept });
  const keepNow = async (read: Reading): Promise<void> => {
    const { hash, files, settings, kept } = read;
    if (!kept) return;
    if (kept.bytes > SMALL) {
      await thread.ask(inForce(read), { kind: "snapshot", dir: configs });
      return;
    }
    const { text, parsed } = unpack(kept);
    const raw = rawOf(text, parseCacheOf(parsed));
    await writeSnapshot(configs, snapshotOf({ hash, files, settings, raw }));
  };
  let isStopping = false;
  stops.push(async () => {
    isStopping = true;
    await thread.close();
    await writing.idle();
  });
  return {
    file,
    hash: () => reading().hash,
    sections: keysAt([]),
    masked: withoutCredentials,
    rows: (query) => thread.ask(inForce(), { kind: "rows", query }),
    check: async () => {
      const { listeners, ...checked } = await thread.ask(inForce(), {
        kind: "check",
        before: fixedOf(reading().settings),
      });
      const why = listeners && problemWith({ settings: { listeners } });
      return why === undefined
        ? checked
        : { ...checked, restart: [...checked.restart, notAppliedProblem(file, new Error(why))] };
    },
    differences: (from, to) => thread.ask(inForce(), { kind: "differences", dir: configs, from, to }),
    snapshots: () => snapshotsIn(configs),
    keep: () => {
      const read = reading();
      void writing
        .run(() => keepNow(read))
        .catch((error: unknown) => {
          if (!isStopping) events.configSnapshotNotWritten({ error, hash: read.hash });
        });
    },
  };
};
