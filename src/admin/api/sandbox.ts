/**
 * The embedded OCS of `ocsgw sandbox`: its state, and what a person can make it do. These routes exist in the sandbox
 * only. They act on the control interface of the embedded OCS; nothing is sent through the gateway or to another OCS.
 */
import { z } from "zod";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import type { Reply } from "../../common/message.ts";
import {
  Instance,
  SandboxFault,
  SandboxFaultKinds,
  SandboxRecords,
  SandboxRequests,
  SandboxState,
} from "../schemas/sandbox.ts";
import { text } from "./parameters.ts";

/** `error`: for the person who asked. */
export type Rejection = { readonly rejected: { readonly status: 400 | 404 | 409; readonly error: string } };

const LONGEST = 64;
const short = () => text().max(LONGEST, `expected a text of at most ${LONGEST} characters`);
const DURATION = "As 250ms, 2s or 5m";

const NewFault = z
  .strictObject({
    kind: short().describe("`GET /api/sandbox/fault-kinds` lists them"),
    value: z.union([short(), z.number()]).describe("For some kinds").optional(),
    action: short().describe("Only for this action").optional(),
    tenant: z.union([short(), z.int()]).describe("Only for this tenant's requests: a name or a DBID").optional(),
    count: z.int().describe("Only for the next requests").optional(),
    probability: z.number().describe("For each request, from 0 to 1").optional(),
    seed: z.int().describe("Of the probability").optional(),
    for: short().describe(DURATION).optional(),
  })
  .meta({ id: "SandboxNewFault" });
const Gap = z.strictObject({ gap: short().describe(`${DURATION}: time in which neither instance answers`).optional() });
const Shift = z.strictObject({
  advance: z.number().describe("Seconds").optional(),
  set: short().describe("RFC 3339 with an offset").optional(),
});
const Dial = z.strictObject({ list: short().describe("Name of a calling list; default: any").optional() });

const Switched = z.strictObject({ active: Instance, gap: z.string().optional() });
const Shifted = z.strictObject({ now: z.string() });
const Cleared = z.strictObject({ cleared: z.int() });
const Dialed = z.strictObject({ dialed: z.int(), short: z.string().nullable().describe("Why no record was dialed") });

/** What the embedded OCS gives to the page Sandbox. Masks numbers. */
export type SandboxControl = {
  readonly state: () => SandboxState;
  readonly faultKinds: () => SandboxFaultKinds;
  /** Undefined: there is no such list. */
  readonly records: (
    list: number,
    page: { readonly offset: number; readonly limit: number },
  ) => SandboxRecords | undefined;
  readonly requests: () => SandboxRequests;
  readonly addFault: (fault: z.infer<typeof NewFault>) => Promise<SandboxFault | Rejection>;
  /** `id`: undefined: all. */
  readonly clearFaults: (id?: string) => Promise<z.infer<typeof Cleared> | Rejection>;
  readonly switchOver: (how: z.infer<typeof Gap>) => Promise<z.infer<typeof Switched> | Rejection>;
  readonly shiftClock: (by: z.infer<typeof Shift>) => Promise<z.infer<typeof Shifted> | Rejection>;
  readonly dial: (what: z.infer<typeof Dial>) => Promise<z.infer<typeof Dialed> | Rejection>;
};

type Deps = { readonly sandbox: SandboxControl };

const done = <Value extends object>(value: Value | Rejection, status = 200): Reply =>
  "rejected" in value ? json(value.rejected.status, { error: value.rejected.error }) : json(status, value);

const PAGE = 100;
const OFFSETS = "expected a whole number from 0";
const LIMITS = `expected a whole number from 1 to ${PAGE}`;
const readers = { roles: ["viewer", "operator", "auditor"], scope: "whole-gateway" } as const;
const operators = { roles: ["operator"], scope: "whole-gateway" } as const;

export const SANDBOX_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/sandbox",
    summary: "The embedded OCS: clock, roles, campaign groups, calling lists, dialer and faults",
    ...readers,
    reply: SandboxState,
    answer: ({ sandbox }: Deps) => json(200, sandbox.state()),
  }),
  route({
    method: "GET",
    path: "/api/sandbox/requests",
    summary: "Requests that the embedded OCS has read, the newest first, each with the gateway's request behind it",
    ...readers,
    reply: SandboxRequests,
    answer: ({ sandbox }: Deps) => json(200, sandbox.requests()),
  }),
  route({
    method: "GET",
    path: "/api/sandbox/lists/{dbid}/records",
    summary: "Records of a calling list, chain by chain",
    ...readers,
    query: z.strictObject({
      offset: z.coerce.number(OFFSETS).int(OFFSETS).min(0, OFFSETS).default(0),
      limit: z.coerce.number(LIMITS).int(LIMITS).min(1, LIMITS).max(PAGE, LIMITS).default(PAGE),
    }),
    reply: SandboxRecords,
    others: { 404: "there is no such calling list" },
    answer: ({ sandbox }: Deps, { params: { dbid }, query }) => {
      const found = /^\d{1,9}$/.test(dbid) ? sandbox.records(Number(dbid), query) : undefined;
      return found ? json(200, found) : json(404, { error: "there is no such calling list" });
    },
  }),
  route({
    method: "GET",
    path: "/api/sandbox/fault-kinds",
    summary: "All kinds of faults, and what a client of OCS sees of each",
    ...readers,
    reply: SandboxFaultKinds,
    answer: ({ sandbox }: Deps) => json(200, sandbox.faultKinds()),
  }),
  route({
    method: "POST",
    path: "/api/sandbox/faults",
    summary: "Adds a fault to the embedded OCS",
    ...operators,
    body: NewFault,
    reply: SandboxFault,
    status: 201,
    others: { 409: "there are too many faults" },
    answer: async ({ sandbox }: Deps, { body }) => done(await sandbox.addFault(body), 201),
  }),
  route({
    method: "DELETE",
    path: "/api/sandbox/faults",
    summary: "Removes all faults",
    ...operators,
    reply: Cleared,
    answer: async ({ sandbox }: Deps) => done(await sandbox.clearFaults()),
  }),
  route({
    method: "DELETE",
    path: "/api/sandbox/faults/{id}",
    summary: "Removes one fault",
    ...operators,
    reply: Cleared,
    others: { 404: "there is no such fault" },
    answer: async ({ sandbox }: Deps, { params: { id } }) => done(await sandbox.clearFaults(id)),
  }),
  route({
    method: "POST",
    path: "/api/sandbox/switchover",
    summary: "Makes the backup of the embedded OCS primary; all record handles become invalid",
    ...operators,
    body: Gap,
    reply: Switched,
    answer: async ({ sandbox }: Deps, { body }) => done(await sandbox.switchOver(body)),
  }),
  route({
    method: "POST",
    path: "/api/sandbox/clock",
    summary: "Shifts the clock of the embedded OCS, by seconds or to a time; the gateway keeps the machine's",
    ...operators,
    body: Shift,
    reply: Shifted,
    answer: async ({ sandbox }: Deps, { body }) => done(await sandbox.shiftClock(body)),
  }),
  route({
    method: "POST",
    path: "/api/sandbox/dial",
    summary: "Makes the embedded OCS dial one record now",
    ...operators,
    body: Dial,
    reply: Dialed,
    others: { 404: "there is no such calling list", 409: "no running campaign group uses the list" },
    answer: async ({ sandbox }: Deps, { body }) => done(await sandbox.dial(body)),
  }),
];
