/** `GET /sandbox/events`: the event log as server-sent events. A client that comes back with Last-Event-ID is told what it missed first. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ControlError } from "./control-error.ts";
import { tenantByDbid, tenantByName } from "./directory.ts";
import type { EventLog, SandboxEvent } from "./event-log.ts";
import type { World } from "./world.ts";

const HEARTBEAT_MS = 15_000;
/** A reader that is so far behind is cut off; it comes back and asks for what it missed. */
const MAX_BEHIND = 4_194_304;

type Wish = {
  /** Of the last event that the client has. */ readonly after: number;
  readonly tenant: number | undefined;
};

/** `?tenant=` a DBID or a name, `?after=` an event's id when no Last-Event-ID is sent; without either only what happens from now on. */
export const streamEvents = (
  world: World,
  log: EventLog,
  request: IncomingMessage,
  response: ServerResponse,
  heartbeat = HEARTBEAT_MS,
): void => {
  const { after, tenant } = wishOf(world, log, request);
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

const wishOf = (world: World, log: EventLog, { url = "", headers }: IncomingMessage): Wish => {
  const asked = new URLSearchParams(url.split("?")[1]);
  const other = [...asked.keys()].find((name) => name !== "tenant" && name !== "after");
  if (other !== undefined) throw new ControlError(400, `${other}: expected no other parameters than tenant and after`);
  const after = headers["last-event-id"] ?? asked.get("after") ?? String(log.last());
  if (!/^\d{1,15}$/.test(String(after)))
    throw new ControlError(400, "Last-Event-ID, after: expected the id of an event");
  return { after: Number(after), tenant: tenantIn(world, asked.get("tenant")) };
};

const tenantIn = (world: World, text: string | null): number | undefined => {
  if (text === null) return undefined;
  const tenant = tenantByName(world, text) ?? (/^\d{1,9}$/.test(text) ? tenantByDbid(world, Number(text)) : undefined);
  if (!tenant) throw new ControlError(404, "tenant: no such tenant");
  return tenant.dbid;
};
