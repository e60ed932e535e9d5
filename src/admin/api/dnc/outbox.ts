/** The outbox: Do-Not-Calls that the gateway accepted with 202, and alarms about those that it could not deliver. */
import { z } from "zod";
import { purposeFault } from "../../../journal/access.ts";
import { HANDLED, queryFor } from "../../../journal/open-dnc/handled-notes.ts";
import { InvalidQuestion } from "../../../journal/search/worker/search-worker.ts";
import { accessBy, note, type AuditParts } from "../../audit-parts.ts";
import { json } from "../../replies.ts";
import { route, type Route } from "../../route.ts";
import { maySee } from "../../scope.ts";
import { limit, user } from "../parameters.ts";

export const OutboxItem = z.strictObject({
  id: z.string().describe("Request id of the client's request"),
  upstream: z.string(),
  tenant: z.string().describe("Its name; its DBID if the config has no such tenant any more"),
  tenant_dbid: z.number(),
  client: z.string(),
  resource: z.string(),
  state: z.enum(["pending", "alarm"]).describe("alarm: it is not sent any more, and waits for a person"),
  accepted: z.string().describe("RFC 3339"),
  age: z.number().describe("Milliseconds since it was accepted"),
  attempts: z.number(),
  last_attempt: z.string().nullable().describe("Request id of the last attempt"),
  last_result: z.string().nullable().describe("How the last attempt ended"),
  cause: z
    .enum(["rejected", "record-ended", "tenant-removed", "gave-up", "unreadable"])
    .nullable()
    .describe("Of the alarm"),
});

export type OutboxItem = z.infer<typeof OutboxItem>;

type Deps = {
  readonly audit: AuditParts;
  readonly outbox: {
    /** Oldest first. */
    readonly items: () => readonly OutboxItem[];
  };
};

const MOST = 1000;
const NOTE_EXPECTED = "expected what was done about the Do-Not-Call, up to 500 characters on one line";

const list = route({
  method: "GET",
  path: "/api/outbox",
  summary: "Accepted Do-Not-Calls that OCS has not carried out yet, oldest first",
  roles: ["auditor", "operator"],
  scope: "by-tenant",
  query: z.strictObject({ limit: limit().default(MOST) }),
  reply: z.strictObject({
    items: z.array(OutboxItem),
    pending: z.number(),
    alarms: z.number(),
  }),
  answer: ({ outbox }: Deps, { viewer, query }) => {
    const all = outbox.items().filter(({ tenant_dbid: dbid }) => maySee(viewer, dbid));
    const alarms = all.filter(({ state }) => state === "alarm");
    // Alarms first: they wait for a person.
    const items = [...alarms, ...all.filter(({ state }) => state !== "alarm")].slice(0, query.limit);
    return json(200, { items, pending: all.length - alarms.length, alarms: alarms.length });
  },
});

const close = route({
  method: "POST",
  path: "/api/outbox/{id}/close",
  summary: "Closes the alarm about an accepted Do-Not-Call, with a note; records with its number are accepted again",
  roles: ["auditor"],
  scope: "by-tenant",
  body: z.strictObject({ note: z.string(NOTE_EXPECTED), user: user() }),
  reply: z.strictObject({ id: z.string(), note: z.string() }),
  others: { 404: "no open alarm has this id", 503: "the note cannot be journaled" },
  answer: async ({ audit, outbox }: Deps, { viewer, params: { id }, body }) => {
    const fault = purposeFault(body.note);
    if (fault !== undefined) throw new InvalidQuestion(fault.replace(/^purpose/, "note"));
    const by = accessBy(viewer, body.user);
    const item = outbox
      .items()
      .find((each) => each.id === id && each.state === "alarm" && maySee(viewer, each.tenant_dbid));
    if (!item) return json(404, { error: "no open alarm has this id" });
    // The alarm is closed when the note is on disk. The list of open Do-Not-Calls has the last attempt.
    const about = item.last_attempt ?? item.id;
    await note(audit.record, { ...by, operation: HANDLED, query: queryFor(about), purpose: body.note });
    return json(200, { id: item.id, note: body.note });
  },
});

export const OUTBOX_ROUTES: readonly Route<Deps>[] = [list, close];
