/** Prints each dialed record on the sandbox's screen, with a command that finalizes it. */
import type { EventLog, SandboxEvent } from "../../sandbox/world/event-log.ts";
import type { ControlEvent } from "./event-line.ts";
import type { Ready } from "./screen.ts";

/** At most one record per second is shown, because nobody finalizes faster by hand. */
const SHOWN_EACH_MS = 1000;

export const showArrivals = (
  log: EventLog,
  ready: Ready,
  write: (text: string) => unknown = (text) => process.stdout.write(text),
): void => {
  let lastShownAt = Number.NEGATIVE_INFINITY;
  log.follow((event) => {
    if (event.type !== "record.dialed" || performance.now() - lastShownAt < SHOWN_EACH_MS) return;
    lastShownAt = performance.now();
    write(arrival(event, ready));
  });
};

export const arrival = ({ data }: SandboxEvent, ready: Ready): string => {
  const { time, tenant, list, udata = {} } = JSON.parse(data) as ControlEvent;
  const { client, key } = ready.tenants
    .find(({ dbid }) => dbid === tenant.dbid)!
    .clients.find(({ actions }) => actions.includes("RecordProcessed"))!;
  const credential = ready.gateway ? `-u ${client}:${key} ` : "";
  return [
    `\n${time.slice(11, 19)}Z  ${udata["GSW_PHONE"]} of ${list} is on the line for ${tenant.name}, handle ` +
      `${udata["GSW_RECORD_HANDLE"]}. End it:`,
    `  curl -i ${credential}'${udata["GSW_RECORD_URI"]}?req=RecordProcessed' -H 'Content-Type: application/json' ` +
      "-d '{\"GSW_CALL_RESULT\":33}'",
    "",
  ].join("\n");
};
