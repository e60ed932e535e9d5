/** The log of events about records, stored in the database, so that a client can resume after a lost connection. */
import { EventEmitter } from "node:events";
import type { Tenant } from "./directory.ts";
import type { World } from "./world.ts";

/** `record.dialed`: a client gets a call with its data. `record.stopped`: a due record must not be dialed. */
export type EventType = "record.dialed" | "record.stopped";

export type SandboxEvent = {
  readonly id: number;
  readonly type: EventType;
  readonly tenant: number;
  /** JSON of one object, on one line. */ readonly data: string;
};

export type EventLog = {
  readonly add: (type: EventType, tenant: Tenant, data: object) => SandboxEvent;
  /** The events with a higher id, oldest first; with a DBID, only those of this tenant. */
  readonly after: (id: number, tenant?: number) => readonly SandboxEvent[];
  /** The id of the last event; 0 when there is none. */
  readonly last: () => number;
  /** Returns a function that unsubscribes the listener. */
  readonly follow: (listener: (event: SandboxEvent) => void) => () => void;
};

/** Number of events kept. */
const KEPT = 10_000;

export const createEventLog = ({ db, clock }: World): EventLog => {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    add: (type, { dbid, name }, rest) => {
      const data = JSON.stringify({ time: new Date(clock.now()).toISOString(), tenant: { dbid, name }, ...rest });
      const { id } = db.run("INSERT INTO event (type, tenant_dbid, data) VALUES (?, ?, ?)", type, dbid, data);
      db.run("DELETE FROM event WHERE id <= ?", id - KEPT);
      const event: SandboxEvent = { id, type, tenant: dbid, data };
      emitter.emit("event", event);
      return event;
    },
    after: (id, tenant) =>
      db.all<SandboxEvent>(
        "SELECT id, type, tenant_dbid AS tenant, data FROM event WHERE id > ? AND tenant_dbid = coalesce(?, " +
          "tenant_dbid) ORDER BY id",
        id,
        tenant ?? null,
      ),
    last: () => db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'event'")?.seq ?? 0,
    follow: (listener) => {
      emitter.on("event", listener);
      return () => emitter.off("event", listener);
    },
  };
};
