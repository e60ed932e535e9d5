/** What the sandbox's screen says of each record that arrives, with a line that ends it by hand. */
import type { EventLog, SandboxEvent } from "../sandbox/event-log.ts";
import type { ToldEvent } from "./sandbox-event-line.ts";
import type { Ready } from "./sandbox-screen.ts";

/** Nobody finalizes by hand faster than this. */
const SHOWN_EACH_MS = 1000;

export const showArrivals = (
  log: EventLog,
  ready: Ready,
  write: (text: string) => unknown = (text) => process.stdout.write(text),
): void => {
  let shown = Number.NEGATIVE_INFINITY;
  log.follow((event) => {
    if (event.type !== "record.dialed" || performance.now() - shown < SHOWN_EACH_MS) return;
    shown = performance.now();
    write(arrival(event, ready));
  });
};

export const arrival = ({ data }: SandboxEvent, ready: Ready): string => {
  const { time, tenant, list, udata = {} } = JSON.parse(data) as ToldEvent;
  const { client, key } = ready.tenants
    .find(({ dbid }) => dbid === tenant.dbid)!
    .clients.find(({ actions }) => actions.includes("RecordProcessed"))!;
  const credential = ready.gateway ? `-u ${client}:${key} ` : "";
  return [
    `\n${time.slice(11, 19)}Z  ${udata["GSW_PHONE"]} of ${list} is on the line for ${tenant.name}, handle ${udata["GSW_RECORD_HANDLE"]}. End it:`,
    `  curl -i ${credential}'${udata["GSW_RECORD_URI"]}?req=RecordProcessed' -H 'Content-Type: application/json' -d '{"GSW_CALL_RESULT":33}'`,
    "",
  ].join("\n");
};
