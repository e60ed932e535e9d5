/** Exports that viewers start: each on a thread that yields to requests, into a file that is kept for a while. */
import { join } from "node:path";
import type { ExportAbout, ExportBegin, ExportParts } from "../../../../admin/api/evidence/exports.ts";
import type { DownloadFile } from "../../../../admin/files/file-reply.ts";
import { Jobs, type Job } from "../../../../admin/jobs/jobs.ts";
import { events } from "../../../../common/log/events.ts";
import { faultInWords } from "../../../../common/system-error.ts";
import { ulid } from "../../../../common/ulid.ts";
import type { ExportedFile, ExportFormat, ExportJob } from "../../../../journal/jobs/export-worker.ts";
import { JobThread } from "../../../../journal/jobs/job-thread.ts";
import type { Journal } from "../../../../journal/journal.ts";
import { VERSION } from "../../../version.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";
import type { ExportFolder } from "./export-folder.ts";
import type { YieldToDisk } from "./yield-to-disk.ts";

type Deps = {
  readonly journal: Pick<Journal, "dir">;
  readonly folder: ExportFolder;
  /** Milliseconds for which a file is kept. */
  readonly keepMs: number;
  readonly configHash: () => string;
  readonly yieldToDisk: YieldToDisk;
  /** Milliseconds between two looks at the folder. */
  readonly lookMs?: number;
};

const PROGRAM = new URL("../../../../journal/jobs/export-worker.ts", import.meta.url);
/** Ended exports in the list. */
const MOST = 200;
/** Running at once. */
const MOST_RUNNING = 2;
const LOOK_MS = 1000;

const ENDINGS: Readonly<Record<ExportFormat, string>> = {
  ndjson: "ndjson",
  csv: "csv",
  html: "html",
  bundle: "zip",
  case: "zip",
};

/** To be called by the holder of the journal's lock: what an earlier run left is removed. */
export const createExports = async (deps: Deps, stops: ShutdownSteps): Promise<ExportParts> => {
  const exporter = new Exporter(deps);
  await deps.folder.clear().catch((error: unknown) => events.exportsNotRemoved({ error }));
  stops.push(() => exporter.stop());
  return exporter;
};

/** `until`: on the monotonic clock, so that a clock that is set removes nothing. `expires`: RFC 3339. */
type Made = {
  readonly file: DownloadFile;
  readonly until: number;
  readonly expires: string;
  readonly fetched: Set<string>;
};

class Exporter implements ExportParts {
  readonly jobs = new Jobs<ExportAbout, ExportedFile>(MOST, (job) => this.#onEnd(job));
  readonly #deps: Deps;
  readonly #made = new Map<string, Made>();
  /** The files of running exports. */
  readonly #paths = new Map<string, string>();
  #starting = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  readonly start: ExportParts["start"] = async (begin) => {
    if (this.#starting + this.jobs.running >= MOST_RUNNING)
      return { refused: `${MOST_RUNNING} exports are running already; wait for one, or cancel it`, retryAfter: 10 };
    this.#starting++;
    try {
      const refused = await this.#fullFolder();
      if (refused !== undefined) return { refused };
      const { size } = await begin.journaled(["bundle", "case"].includes(begin.about.format));
      return await this.#begin(begin, size);
    } finally {
      this.#starting--;
    }
  };

  readonly file: ExportParts["file"] = (id) => this.#made.get(id)?.file;

  readonly expires: ExportParts["expires"] = (id) => this.#made.get(id)?.expires ?? null;

  readonly fetchedBy: ExportParts["fetchedBy"] = (id) => this.#made.get(id)?.fetched;

  readonly remove: ExportParts["remove"] = async (id) => {
    await this.jobs.cancel(id);
    this.#made.delete(id);
    await this.#deps.folder.remove(id);
  };

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.jobs.stop();
    this.#made.clear();
    await this.#deps.folder.clear();
  }

  async #fullFolder(): Promise<string | undefined> {
    try {
      return await this.#deps.folder.full();
    } catch (error) {
      return `the folder of exports cannot be used: ${faultInWords(error)}`;
    }
  }

  async #begin({ by, about, query }: ExportBegin, size: number): Promise<Job<ExportAbout, ExportedFile>> {
    const { journal, folder, configHash, yieldToDisk } = this.#deps;
    const id = ulid();
    const name = `ocsgw-export-${id}.${ENDINGS[about.format]}`;
    const made = await folder.make(id);
    const out = join(made.folder, name);
    this.#paths.set(id, out);
    this.#timer ??= setInterval(() => void this.#look(), this.#deps.lookMs ?? LOOK_MS).unref();
    return this.jobs.start({
      id,
      by: by.user,
      purpose: by.purpose ?? null,
      about: { ...about, name },
      of: size,
      work: (onProgress) => {
        const thread = new JobThread<ExportJob, ExportedFile>({
          program: PROGRAM,
          asked: {
            ...query,
            dir: journal.dir,
            size,
            out,
            as: about.format,
            by: by.user,
            purpose: by.purpose,
            version: VERSION,
            configHash: configHash(),
          },
          temporary: made.temporary,
          onProgress,
        });
        yieldToDisk(thread);
        return { result: thread.result, cancel: () => thread.cancel() };
      },
    });
  }

  #onEnd({ id, state, result, about }: Job<ExportAbout, ExportedFile>): void {
    const path = this.#paths.get(id)!;
    this.#paths.delete(id);
    if (state !== "done") return this.#discard(id);
    const file = { path, size: result!.bytes, etag: `"${result!.sha256}"`, name: about.name };
    const { keepMs } = this.#deps;
    this.#made.set(id, {
      file,
      until: performance.now() + keepMs,
      expires: new Date(Date.now() + keepMs).toISOString(),
      fetched: new Set(),
    });
  }

  /** The thread may still write until it has ended. */
  #discard(id: string): void {
    const { folder } = this.#deps;
    void this.jobs
      .settled(id)
      .then(() => folder.remove(id))
      .catch((error: unknown) => events.exportsNotRemoved({ error }));
  }

  /** Removes expired files, and those that the list has forgotten; ends exports for which there is no room. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const now = performance.now();
      for (const [id, { until }] of this.#made) if (until <= now || !this.jobs.get(id)) await this.remove(id);
      if (this.jobs.running > 0) await this.#requireRoom();
      if (this.#made.size === 0 && this.jobs.running === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    } catch (error) {
      events.exportsNotRemoved({ error });
    } finally {
      this.#looking = false;
    }
  }

  async #requireRoom(): Promise<void> {
    const full = await this.#deps.folder.full();
    if (full === undefined) return;
    for (const { id, state } of this.jobs.list())
      if (state === "running") await this.jobs.cancel(id, { state: "failed", error: full });
  }
}
