/** What the page of the flow stream asks, records and answers before a stream begins. */
import { describe, expect, it } from "vitest";
import type { AuditParts } from "../../../src/admin/audit-parts.ts";
import { createAdminRoutes, type AdminDeps } from "../../../src/admin/routes.ts";
import { byToken, TOKEN_HOLDER, type Viewer } from "../../../src/admin/viewer.ts";
import { MOST_MISSED, type FlowParts } from "../../../src/admin/flows/stream-page.ts";
import type { Opening } from "../../../src/admin/flows/watchers.ts";
import type { Reply } from "../../../src/common/message.ts";
import type { AccessRequest } from "../../../src/journal/access.ts";
import { Cursors } from "../../../src/journal/flows/cursor.ts";
import { FlowsFailed } from "../../../src/journal/flows/thread/flow-thread.ts";
import { anArrival, text } from "../../kit/line.ts";

const cursors = new Cursors(new Uint8Array(68).fill(1));
const TOKEN = `t1:${"ab".repeat(32)}`;

type Given = {
  readonly filter?: string;
  readonly query?: string;
  readonly cursor?: string;
  readonly size?: number;
  readonly record?: (asked: AccessRequest) => Promise<{ readonly size: number }>;
  readonly open?: () => Promise<Reply["stream"]>;
  readonly viewer?: Viewer;
  readonly refusal?: { readonly error: string; readonly retryAfter: number };
  /** False: the person has looked up too many people. */
  readonly mayLookUp?: boolean;
};

const ask = async ({ filter = "", query, cursor, size = 7, refusal, mayLookUp = true, ...given }: Given) => {
  const recorded: AccessRequest[] = [];
  const lookedUp: (readonly string[] | undefined)[] = [];
  const lookUps: AdminDeps["lookUps"] = {
    take: (_viewer, tokens) => {
      lookedUp.push(tokens);
      return { allowed: mayLookUp, headers: [["Retry-After", "60"]], remember: () => undefined };
    },
  };
  const opened: (Opening | undefined)[] = [];
  const audit: AuditParts = {
    ask: () => Promise.reject(new Error("not asked here")),
    keys: () => "",
    vocabulary: () => ({ actions: ["DoNotCall"], codes: [], names: {} }),
    record: (asked) => {
      recorded.push(asked);
      return given.record ? given.record(asked) : Promise.resolve({ size });
    },
  };
  const flows: FlowParts = {
    watchers: {
      refusal: () => refusal,
      reserve: () => (opening) => {
        opened.push(opening);
        return given.open && opening ? given.open() : Promise.resolve(opening && (() => undefined));
      },
    },
    journal: { size: () => size, deletedTo: () => 0, failed: () => undefined, lag: () => 0 },
    cursors,
  };
  const target = `/api/flows/stream${query ?? `?filter=${encodeURIComponent(filter)}`}`;
  const headers = [
    ["Authorization", "Bearer secret"] as const,
    ...(cursor === undefined ? [] : [["Last-Event-ID", cursor] as const]),
  ];
  const { viewer } = given;
  const whoAsks = viewer ? () => viewer : byToken({ token: "secret", auditDir: "/audit" });
  const handler = createAdminRoutes({ audit, flows, lookUps, whoAsks } as unknown as AdminDeps);
  const reply = await handler(anArrival({ method: "GET", target, headers }));
  return { reply, recorded, opened, lookedUp };
};

describe("opening a flow stream", () => {
  it("records who watches what, also a person by token, before anything is shown", async () => {
    const { reply, recorded, opened, lookedUp } = await ask({
      query: `?filter=${encodeURIComponent(`phone:${TOKEN}`)}&user=alice&purpose=complaint+118`,
    });
    expect([reply.status, lookedUp]).toEqual([200, [[TOKEN]]]);
    expect(recorded).toEqual([
      {
        user: "alice",
        operation: "flows",
        query: `phone:${TOKEN}`,
        purpose: "complaint 118",
        tokens: { phone: TOKEN, customer_id: undefined },
      },
    ]);
    expect(opened).toMatchObject([{ place: { next: 7, micros: 0 }, resumed: false }]);
  });

  it("of a person is refused, and nothing is recorded or shown, beyond the limit of look-ups", async () => {
    const { reply, recorded, opened } = await ask({ filter: `phone:${TOKEN}`, mayLookUp: false });
    expect([reply.status, reply.headers, recorded, opened]).toEqual([
      429,
      expect.arrayContaining([["Retry-After", "60"]]),
      [],
      [],
    ]);
  });

  it("records a signed-in person with their role, who cannot name another", async () => {
    const viewer: Viewer = { ...TOKEN_HOLDER, name: "maria", roles: ["viewer"], via: "session" };
    expect((await ask({ viewer })).recorded).toMatchObject([{ user: "maria", role: "viewer", operation: "flows" }]);
    const { reply, recorded } = await ask({ viewer, query: "?user=alice" });
    expect([reply.status, text(reply), recorded]).toEqual([400, expect.stringContaining("user: leave it out"), []]);
  });

  it("continues at a cursor and records that too; an empty Last-Event-ID is none", async () => {
    const { recorded, opened } = await ask({ cursor: cursors.write({ next: 3, micros: 5 }) });
    expect(recorded).toMatchObject([{ user: "admin token", operation: "flows" }]);
    expect(opened).toMatchObject([{ place: { next: 3, micros: 5 }, resumed: true }]);
    expect((await ask({ cursor: "" })).opened).toMatchObject([{ resumed: false }]);
  });

  const at = (next: number): string => cursors.write({ next, micros: 0 });
  const TOO_OLD = { cursor: at(1), size: MOST_MISSED + 2 };
  const failing = { record: () => Promise.reject(new Error("the disk is full")) };
  it.each<[string, Given, number, string, recorded: number]>([
    ["a cursor beyond the end of the journal", { cursor: at(8) }, 400, "another history", 0],
    [
      "a cursor of a replaced journal",
      { cursor: at(7), open: () => Promise.resolve(undefined) },
      400,
      "another history",
      1,
    ],
    ["a cursor that is too old", TOO_OLD, 410, "search the journal", 0],
    ["an access that cannot be recorded", failing, 503, "cannot record this access", 1],
    ["too many streams", { refusal: { error: "20 are open", retryAfter: 10 } }, 503, "20 are open", 0],
    ["files that cannot be read", { open: () => Promise.reject(new FlowsFailed("EIO")) }, 503, "EIO", 1],
    ["a user with a line break", { query: "?user=a%0Ab" }, 400, "user: expected a name", 0],
    ["an unknown parameter", { query: "?limit=5" }, 400, "known are filter, purpose, user", 0],
  ])("is refused for %s, and its place is given back", async (_what, given, status, message, count) => {
    const { reply, recorded, opened } = await ask(given);
    expect([reply.status, text(reply)]).toEqual([status, expect.stringContaining(message)]);
    expect(reply.stream).toBeUndefined();
    expect(recorded).toHaveLength(count);
    if (opened.length > 0) expect(opened.at(-1)).toBeUndefined();
    const hasRetry = reply.headers.some(([name]) => name === "Retry-After");
    expect(hasRetry).toBe(status === 503);
  });
});
