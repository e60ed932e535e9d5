/** Exports of a whole query, made in the background as files that can be fetched for a while. */
import { z } from "zod";
import { allTokensIn, tokensIn, type AccessRequest } from "../../../journal/access.ts";
import type { ExportedFile, ExportFormat, ExportJob } from "../../../journal/jobs/export-worker.ts";
import { describeSetAside } from "../../../journal/search/missing-segments.ts";
import { accessBy, note, type AuditParts } from "../../audit-parts.ts";
import { fileReply, type DownloadFile } from "../../files/file-reply.ts";
import { sightOf } from "../../flows/scoped-flows.ts";
import { jobStream } from "../../jobs/job-stream.ts";
import type { Job, Jobs } from "../../jobs/jobs.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { tenantsOf } from "../../scope.ts";
import { count, texts, time } from "../../schemas/basics.ts";
import type { Viewer } from "../../viewer.ts";
import { JOB_MEMBERS, jobMembers, Progress, requirePurpose } from "./jobs.ts";
import { exportQuery, ExportRequest, requireFormat } from "./export-query.ts";
import { tooMany, type LookUps } from "./look-ups.ts";

/**
 * `tenants`: to which it is narrowed. `name`: of the file. `isCovered`: of an export about a person, whether all of the
 * person's requests are in it.
 */
export type ExportAbout = {
  readonly filter: string;
  readonly format: ExportFormat;
  readonly tenants: readonly number[] | undefined;
  readonly name: string;
  readonly isAboutPerson: boolean;
  readonly isCovered: boolean | undefined;
};
export type ExportJobs = Jobs<ExportAbout, ExportedFile>;

export type ExportBegin = {
  readonly by: Pick<AccessRequest, "user" | "role" | "node" | "purpose">;
  readonly about: Omit<ExportAbout, "name">;
  readonly query: Pick<ExportJob, "filter" | "names" | "evidence" | "scope" | "about">;
  /** Journals the export, under a signed checkpoint if the argument is true. */
  readonly journaled: (sign: boolean) => Promise<{ readonly size: number }>;
};

/** `retryAfter`: seconds; undefined where waiting does not help. */
export type ExportRefused = { readonly refused: string; readonly retryAfter?: number };

export type ExportParts = {
  readonly jobs: ExportJobs;
  /** Resolves with why no export can begin now, before anything is journaled. Rejects as `journaled` does. */
  readonly start: (begin: ExportBegin) => Promise<Job<ExportAbout, ExportedFile> | ExportRefused>;
  /** The file of an export that is done; undefined once it was removed. */
  readonly file: (id: string) => DownloadFile | undefined;
  /** RFC 3339: when the file is removed. */
  readonly expires: (id: string) => string | null;
  /** Cancels a running export, and removes the file. */
  readonly remove: (id: string) => Promise<void>;
  /** Whoever has fetched the file; undefined once it was removed. */
  readonly fetchedBy: (id: string) => Set<string> | undefined;
};

type Deps = { readonly audit: AuditParts; readonly exports: ExportParts; readonly lookUps: LookUps };

export const Export = z
  .strictObject({
    ...JOB_MEMBERS,
    filter: z.string().describe("With tokens in place of a number or id"),
    format: z.enum(["ndjson", "csv", "html", "bundle", "case"]),
    tenants: z.array(z.int()).nullable().describe("The DBIDs to which it is narrowed; null: all tenants"),
    progress: Progress,
    file: z
      .strictObject({
        name: z.string(),
        bytes: count(),
        sha256: z.string().describe("In hex"),
        expires: time().describe("When the gateway removes it"),
      })
      .nullable()
      .describe("Null until it is done, and once it was removed"),
    found: z
      .strictObject({
        matching: count().describe("Matching requests and events"),
        entries: count().describe("Journal entries in the file"),
        warnings: texts(),
        not_covered: texts().describe("Entries that could not be read"),
        complete: z
          .boolean()
          .nullable()
          .describe("For an export about a person: whether all of the person's requests are in it; otherwise null"),
      })
      .nullable(),
  })
  .meta({ id: "Export" });
export type Export = z.infer<typeof Export>;

const shownIn =
  (exports: ExportParts) =>
  (job: Job<ExportAbout, ExportedFile>): Export => {
    const { about, result } = job;
    const file = exports.file(job.id);
    const isPartial = about.tenants !== undefined;
    return {
      ...jobMembers(job),
      filter: about.filter,
      format: about.format,
      tenants: about.tenants ? [...about.tenants] : null,
      progress: isPartial ? percent(job) : { entries: job.entries, of: job.of },
      file:
        file && result
          ? { name: file.name, bytes: result.bytes, sha256: result.sha256, expires: exports.expires(job.id) ?? "" }
          : null,
      found: result && {
        matching: result.matching,
        entries: result.entries,
        warnings: [...result.warnings],
        not_covered: isPartial
          ? result.set_aside.map(({ oldest, youngest }) => `entries from ${oldest} to ${youngest} cannot be read`)
          : result.set_aside.map(describeSetAside),
        complete: about.isAboutPerson ? (result.covered ?? about.isCovered ?? false) : null,
      },
    };
  };

/** How many entries the journal has would tell how much other tenants do. */
const percent = ({ entries, of }: Job<unknown, unknown>): z.infer<typeof Progress> => ({
  entries: of === 0 ? 100 : Math.floor((100 * entries) / of),
  of: 100,
});

/** A viewer of some tenants sees the exports that are narrowed to some of these. */
const maySeeJob = (viewer: Viewer, { about }: Job<ExportAbout, ExportedFile>): boolean => {
  const own = tenantsOf(viewer);
  return own === undefined || (about.tenants?.every((dbid) => own.includes(dbid)) ?? false);
};

const UNKNOWN = "there is no such export; its file may have been removed";
const unknown = () => json(404, { error: UNKNOWN });
const jobFor = (viewer: Viewer, exports: ExportParts, id: string): Job<ExportAbout, ExportedFile> | undefined => {
  const job = exports.jobs.get(id);
  return job && maySeeJob(viewer, job) ? job : undefined;
};

const roles = ["auditor"] as const;
const scope = "by-tenant";
const PATH = "/api/audit/exports";

const start = route({
  method: "POST",
  path: PATH,
  summary: "Exports everything that matches a filter, or everything about a person, to a file",
  roles,
  scope,
  peers: "too",
  body: ExportRequest,
  reply: Export,
  status: 202,
  others: {
    409: "the config has another index key than the journal, so it is not known which tokens are the person's",
    429: "an export about a person counts as a look-up, and there were too many within an hour",
    503: "too many exports are running, there is no room, or the export cannot be journaled",
  },
  answer: async ({ audit, exports, lookUps }: Deps, { viewer, body }) => {
    requirePurpose(viewer, body.purpose);
    requireFormat(viewer, body.format);
    const isAboutPerson = body.phone !== undefined || body.customer_id !== undefined;
    const isLookUp = isAboutPerson || tokensIn(body.filter) !== undefined;
    const taken = isLookUp ? lookUps.take(viewer, isAboutPerson ? [] : allTokensIn(body.filter)) : undefined;
    const limited = taken && tooMany(taken);
    if (limited) return limited;
    const by = { ...accessBy(viewer, body.user), ...(body.purpose !== undefined && { purpose: body.purpose }) };
    const query = await exportQuery(viewer, body, audit);
    if ("differs" in query) return json(409, { error: query.differs });
    const { filter, evidence, about } = query;
    if (evidence) taken?.remember(evidence.tokens);
    const asked = { ...by, operation: "export", query: filter, tokens: tokensIn(filter) };
    const job = await exports.start({
      by,
      about: {
        filter,
        format: body.format,
        tenants: tenantsOf(viewer),
        isAboutPerson,
        isCovered: evidence?.complete,
      },
      query: { filter, names: query.names, evidence, about, scope: sightOf(audit, viewer).scope },
      journaled: (sign) => note(audit.record, asked, sign),
    });
    if ("refused" in job) {
      const { refused, retryAfter } = job;
      return json(503, { error: refused }, retryAfter === undefined ? [] : [["Retry-After", String(retryAfter)]]);
    }
    return json(202, shownIn(exports)(job), taken?.headers);
  },
});

export const EXPORT_ROUTES: readonly Route<Deps>[] = [
  start,
  route({
    method: "GET",
    path: PATH,
    summary: "The exports since the start of the gateway, newest first",
    roles,
    scope,
    reply: z.strictObject({ exports: z.array(Export) }),
    answer: ({ exports }: Deps, { viewer }) => {
      const seen = exports.jobs.list().filter((job) => maySeeJob(viewer, job));
      return json(200, { exports: seen.map(shownIn(exports)) });
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}`,
    summary: "One export: its progress, and what it found once it is done",
    roles,
    scope,
    peers: "too",
    reply: Export,
    others: { 404: UNKNOWN },
    answer: ({ exports }: Deps, { viewer, params: { id } }) => {
      const job = jobFor(viewer, exports, id);
      return job ? json(200, shownIn(exports)(job)) : unknown();
    },
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}/events`,
    summary: "The progress of an export, as server-sent events, until it has ended",
    roles,
    scope,
    reply: {
      media: "text/event-stream",
      is: "Progress while it runs, then its end",
      events: { progress: Export, end: Export },
    },
    others: { 404: UNKNOWN, 503: "too many streams of progress are open" },
    answer: ({ exports }: Deps, { viewer, params: { id }, gone }) =>
      jobFor(viewer, exports, id) ? jobStream(exports.jobs, id, { gone, shown: shownIn(exports) }) : unknown(),
  }),
  route({
    method: "GET",
    path: `${PATH}/{id}/file`,
    summary: "The file of an export; Range and If-Range continue after a lost connection",
    roles,
    scope,
    peers: "too",
    headers: {
      Range: "One range of bytes, as in bytes=1048576-",
      "If-Range": "The ETag of the part that is there already: the whole file is sent if it differs",
    },
    reply: { media: "application/octet-stream", is: "The whole file, with Content-Disposition and ETag" },
    others: {
      206: { when: "the requested range", body: { media: "application/octet-stream", is: "Part of the file" } },
      404: UNKNOWN,
      409: "the export is not done",
      416: "the range begins after the end of the file",
      503: "the access cannot be journaled",
    },
    answer: async ({ audit, exports }: Deps, { viewer, params: { id }, arrival: { headers }, gone }) => {
      const job = jobFor(viewer, exports, id);
      if (!job) return unknown();
      if (job.state === "running") return json(409, { error: "the export is not done; its events say when" });
      const [file, fetched] = [exports.file(id), exports.fetchedBy(id)];
      if (!file || !fetched) return unknown();
      const by = accessBy(viewer);
      // Once for each person: a download may come in a hundred parts.
      if (!fetched.has(by.user)) await note(audit.record, { ...by, operation: "download", query: job.about.filter });
      fetched.add(by.user);
      return await fileReply(file, { headers, gone });
    },
  }),
  route({
    method: "DELETE",
    path: `${PATH}/{id}`,
    summary: "Cancels an export, or removes its file",
    roles,
    scope,
    peers: "too",
    reply: Export,
    others: { 404: UNKNOWN },
    answer: async ({ exports }: Deps, { viewer, params: { id } }) => {
      if (!jobFor(viewer, exports, id)) return unknown();
      await exports.remove(id);
      return json(200, shownIn(exports)(exports.jobs.get(id)!));
    },
  }),
];
