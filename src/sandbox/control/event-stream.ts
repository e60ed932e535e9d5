/** `GET /sandbox/events`: the event log as server-sent events. Last-Event-ID resumes after a lost connection. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ControlError } from "./error.ts";
import { tenantByDbid, tenantByName } from "../world/directory.ts";
import type { EventLog, SandboxEvent } from "../world/event-log.ts";
import type { World } from "../world/world.ts";

const HEARTBEAT_MS = 15_000;
/** Bytes. A client with more unsent bytes is disconnected; it reconnects and resumes with Last-Event-ID. */
const MAX_BEHIND = 4_194_304;

type StreamOptions = {
  /** Id of the last event that the client received. */ readonly after: number;
  readonly tenant: number | undefined;
};

/**
 * `?tenant=`: a DBID or a name. `?after=`: an event's id, used when the client sends no Last-Event-ID. Without both,
 * only new events are sent.
 */
export const streamEvents = (
  world: World,
  log: EventLog,
  request: IncomingMessage,
  response: ServerResponse,
  heartbeat = HEARTBEAT_MS,
): void => {
  const { after, tenant } = optionsOf(world, log, request);
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.write(": events of the sandbox\n\n");
  for (const event of log.after(after, tenant)) response.write(framed(event));
  const end = log.follow((event) => {
    if (tenant !== undefined && event.tenant !== tenant) return;
    response.write(framed(event));
    if (response.writableLength > MAX_BEHIND) response.destroy();
  });
  const beat = setInterval(() => response.write(": here\n\n"), heartbeat).unref();
  response.on("close", () => {
    end();
    clearInterval(beat);
  });
};

const framed = ({ id, type, data }: SandboxEvent): string => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;

const optionsOf = (world: World, log: EventLog, { url = "", headers }: IncomingMessage): StreamOptions => {
  const asked = new URLSearchParams(url.split("?")[1]);
  const other = [...asked.keys()].find((name) => name !== "tenant" && name !== "after");
  if (other !== undefined) throw new ControlError(400, `${other}: unknown parameter; allowed: tenant, after`);
  const after = headers["last-event-id"] ?? asked.get("after") ?? String(log.last());
  if (!/^\d{1,15}$/.test(String(after)))
    throw new ControlError(400, "Last-Event-ID, after: expected the id of an event");
  return { after: Number(after), tenant: tenantIn(world, asked.get("tenant")) };
};

const tenantIn = (world: World, text: string | null): number | undefined => {
  if (text === null) return undefined;
  const tenant = tenantByName(world, text) ?? (/^\d{1,9}$/.test(text) ? tenantByDbid(world, Number(text)) : undefined);
  if (!tenant) throw new ControlError(404, "tenant: unknown tenant");
  return tenant.dbid;
};
