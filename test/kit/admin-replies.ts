/** Holds replies of the admin API against the rows of their routes: status, content type, body and events. */
import { constants, inflateRawSync } from "node:zlib";
import type { z } from "zod";
import { documentedReplies } from "../../src/admin/openapi/documented-replies.ts";
import { pathOf } from "../../src/admin/probes.ts";
import type { Media, Route } from "../../src/admin/route.ts";
import { RouteTable } from "../../src/admin/route-table.ts";
import { Failure } from "../../src/admin/schemas/basics.ts";
import { headerOf, type Arrival, type Handler, type Reply } from "../../src/common/message.ts";

export type Checking = {
  /** What differs from the row, in words. */
  readonly differs: (what: string) => void;
  /** A reply that the row describes. */
  readonly fits?: (route: string, status: number) => void;
};

/** The handler, whose replies and streams are checked as they pass. */
export const checked = (routes: readonly Route<never>[], handler: Handler, checking: Checking): Handler => {
  const table = new RouteTable(routes);
  return async (arrival) => {
    const reply = await handler(arrival);
    const found = table.at(pathOf(arrival));
    const row = found?.rows.find(({ method }) => method === arrival.method) ?? found?.rows[0];
    if (!row) return withoutRow(arrival, reply, checking);
    return withRow(row, arrival, reply, checking);
  };
};

/** An unknown path, or a page of the console. */
const withoutRow = ({ target }: Arrival, reply: Reply, { differs }: Checking): Reply => {
  if (reply.status !== 200 && typeOf(reply) === "application/json") {
    const fault = faultOf(Failure, JSON.parse(textOf(reply)));
    if (fault !== undefined) differs(`${target}: ${reply.status}: ${fault}`);
  }
  return reply;
};

const withRow = (row: Route<never>, arrival: Arrival, reply: Reply, { differs, fits }: Checking): Reply => {
  const name = `${row.method} ${row.path}`;
  const tell = (what: string): void => differs(`${name}: ${reply.status}: ${what}`);
  const documented = documentedReplies(row).get(reply.status);
  if (!documented) {
    tell("the row has no such status");
    return reply;
  }
  const fault = bodyFault(documented.body, reply);
  if (fault === undefined) fits?.(name, reply.status);
  else tell(fault);
  const missing = Object.keys(documented.headers ?? {}).filter(
    (header) => header !== "Retry-After" && headerOf(reply.headers, header) === undefined,
  );
  if (missing.length > 0 && arrival.fault === undefined) tell(`without the header ${missing.join(", ")}`);
  const events = documented.body !== "nothing" && "media" in documented.body ? documented.body.events : undefined;
  const plain = headerOf(reply.headers, "Content-Encoding") === "gzip" ? unpacking() : (bytes: Uint8Array) => bytes;
  return reply.stream && events ? { ...reply, stream: watched(reply.stream, { events, plain, tell }) } : reply;
};

const typeOf = ({ headers }: Reply): string | undefined => headerOf(headers, "Content-Type")?.split(";", 1)[0];
const textOf = ({ body }: Reply): string => Buffer.from(body).toString("utf8");

const bodyFault = (body: z.ZodType | Media | "nothing", reply: Reply): string | undefined => {
  if (body === "nothing") return reply.body.length === 0 ? undefined : "has a body";
  const type = "media" in body ? body.media : "application/json";
  const isOther = "media" in body && body.or?.media === typeOf(reply);
  if (typeOf(reply) !== type && !isOther) return `Content-Type is ${typeOf(reply)} and not ${type}`;
  return "media" in body ? undefined : faultOf(body, JSON.parse(textOf(reply)));
};

const faultOf = (schema: z.ZodType, value: unknown): string | undefined => {
  const { success, error } = schema.safeParse(value);
  return success
    ? undefined
    : error.issues
        .map((issue) => `${issue.path.join(".")}: ${"keys" in issue ? String(issue.keys) : ""} ${issue.message}`)
        .join("; ");
};

type Stream = NonNullable<Reply["stream"]>;

const GZIP_HEADER = 10;

/** Unpacks a gzip stream piece by piece: what is written at once refers to nothing before it. */
const unpacking = (): ((bytes: Uint8Array) => Uint8Array) => {
  let skip = GZIP_HEADER;
  return (bytes) => {
    const blocks = bytes.subarray(skip);
    skip = 0;
    return inflateRawSync(blocks, { finishFlush: constants.Z_SYNC_FLUSH });
  };
};

type Watching = {
  readonly events: Readonly<Record<string, z.ZodType>>;
  readonly plain: (bytes: Uint8Array) => Uint8Array;
  readonly tell: (what: string) => void;
};

/** Each event of the stream, in whatever pieces it is written. */
const watched = (stream: Stream, { events, plain, tell }: Watching): Stream => {
  let rest = "";
  const decoder = new TextDecoder();
  return (to) =>
    stream({
      ...to,
      end: () => to.end(),
      destroy: () => to.destroy(),
      write: (bytes) => {
        const blocks = (rest + decoder.decode(plain(bytes), { stream: true })).split("\n\n");
        rest = blocks.pop()!;
        for (const block of blocks) {
          const fault = eventFault(block, events);
          if (fault !== undefined) tell(fault);
        }
        return to.write(bytes);
      },
    });
};

const eventFault = (block: string, events: Readonly<Record<string, z.ZodType>>): string | undefined => {
  const name = /^event: (.+)$/m.exec(block)?.[1] ?? "";
  const data = /^data: (.*)$/m.exec(block)?.[1] ?? "";
  if (!Object.hasOwn(events, name)) return `the row has no event ${JSON.stringify(name)}`;
  const fault = faultOf(events[name]!, JSON.parse(data));
  return fault === undefined ? undefined : `event ${name}: ${fault}`;
};
