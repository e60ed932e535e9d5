/** The admin API over a real journal in a directory of its own, asked by viewers of the test's choice. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readFirst } from "../../../src/app/config/config-thread.ts";
import { createAudit } from "../../../src/app/wiring/journal/audit-api.ts";
import { createExplain } from "../../../src/app/wiring/admin/explain.ts";
import { runShutdown, type ShutdownSteps } from "../../../src/app/shutdown.ts";
import { createAdminRoutes, type AdminDeps } from "../../../src/admin/routes.ts";
import { ROLES, type Role, type Viewer } from "../../../src/admin/viewer.ts";
import type { Handler, HeaderLine, Reply } from "../../../src/common/message.ts";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import type { Journal, JournalOptions } from "../../../src/journal/journal.ts";
import type { Checkpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { aKey, openWithCheckpoints } from "../../journal/kit.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";
import { anArrival, text } from "../../kit/line.ts";

export const auditor = (tenants: Viewer["tenants"] = "all", roles: readonly Role[] = ["auditor"]): Viewer => ({
  name: "ada",
  roles,
  tenants,
  via: "session",
});
export const TOKEN: Viewer = { name: "admin token", roles: ROLES, tenants: "all", via: "token" };

type Asked = { readonly as?: Viewer; readonly body?: unknown; readonly headers?: readonly HeaderLine[] };
export type Answered = { readonly status: number; readonly value: any; readonly reply: Reply };

export type TestApi = {
  readonly dir: string;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly settings: Settings;
  readonly ask: (line: string, asked?: Asked) => Promise<Answered>;
  /** The routes; requests without a credential of their own are of the last viewer of `ask`. */
  readonly handler: Handler;
  /** What the journal has. */
  readonly entries: () => Promise<Recorded[]>;
  readonly stop: () => Promise<void>;
};

export type Parts = Pick<TestApi, "journal" | "checkpoints" | "settings"> & { readonly stops: ShutdownSteps } & Pick<
    AdminDeps,
    "audit"
  >;

type Options = {
  readonly config?: object;
  readonly journal?: Partial<JournalOptions>;
  readonly wrap?: (handler: Handler) => Handler;
  /** Further parts of the API. */
  readonly parts?: (parts: Parts) => Promise<Partial<AdminDeps>> | Partial<AdminDeps>;
};

export const anApi = async (given: readonly (readonly Entry[])[], options: Options = {}): Promise<TestApi> => {
  const dir = await aConfigured({ ...twoTenants("http://127.0.0.1:9"), ...options.config }, ["alpha", "beta"]);
  const read = await readFirst({ file: join(dir, "ocsgw.yaml") });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { settings } = read;
  const stops: ShutdownSteps = [];
  const { journal, checkpoints, close } = await openWithCheckpoints(settings.audit.dir, aKey(), options.journal);
  stops.push(close);
  journal.keys.use(settings.audit.index_key, read.hash);
  for (const entry of given.flat()) await journal.append(entry);
  const audit = createAudit({ journal, checkpoints, settings: () => settings }, stops);
  const parts = await options.parts?.({ journal, checkpoints, settings, audit, stops });
  const reading = { settings, hash: read.hash };
  const explain = createExplain({
    ask: audit.ask,
    file: join(dir, "ocsgw.yaml"),
    reading: () => reading,
    dir: journal.dir,
  });
  let viewer: Viewer = TOKEN;
  const routes = createAdminRoutes({ audit, explain, ...parts, whoAsks: () => viewer } as unknown as AdminDeps);
  const handler = options.wrap?.(routes) ?? routes;
  return {
    dir,
    journal,
    checkpoints,
    settings,
    handler,
    ask: async (line, { as = TOKEN, body, headers = [] } = {}) => {
      const [method, target] = line.split(" ") as [string, string];
      viewer = as;
      const asked = body === undefined ? "" : JSON.stringify(body);
      const reply = await handler(anArrival({ method, target, body: asked, headers }));
      const isJson = reply.headers.some(([name, value]) => name === "Content-Type" && value === "application/json");
      return { status: reply.status, value: isJson ? JSON.parse(text(reply)) : undefined, reply };
    },
    entries: async () => {
      await journal.head();
      return Array.fromAsync(readEntries(journal.dir));
    },
    stop: async () => {
      await runShutdown(stops);
      await rm(dir, { recursive: true, force: true });
    },
  };
};
