/**
 * A sandbox with a clock that stands still, its faults over the control API, raw connections to it, and all of its
 * state to compare.
 */
import type { Fault } from "../../../src/sandbox/faults/faults.ts";
import type { RecordedRequest } from "../../../src/sandbox/server/recorder.ts";
import { TABLES } from "../../../src/sandbox/world/schema.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { open, type RawClient } from "../server/raw-client.ts";
import { NOON } from "../support.ts";

export type FaultBench = {
  readonly ocs: SandboxOcs;
  readonly connect: (url?: string, ca?: string) => Promise<RawClient>;
  /** `METHOD path` under /sandbox/. */
  readonly control: (command: string, body?: object) => Promise<{ readonly status: number; readonly value: unknown }>;
  /** Rejects when the fault is refused. */
  readonly add: (fault: object) => Promise<Fault>;
  readonly faults: () => Promise<readonly Fault[]>;
  readonly seen: () => Promise<readonly RecordedRequest[]>;
  /** Every row of every table. */
  readonly state: () => string;
  readonly close: () => Promise<void>;
};

export const aBench = async (): Promise<FaultBench> => {
  const ocs = await startSandboxOcs({ now: () => NOON });
  const clients: RawClient[] = [];
  const control: FaultBench["control"] = async (command, body) => {
    const [method, path] = command.split(" ") as [string, string];
    const response = await fetch(`${ocs.control}/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, value: await response.json() };
  };
  return {
    ocs,
    connect: async (url = ocs.primary.http, ca) => {
      const client = await open(url, ca);
      clients.push(client);
      return client;
    },
    control,
    add: async (fault) => {
      const { status, value } = await control("POST faults", fault);
      if (status !== 200) throw new Error((value as { error: string }).error);
      return value as Fault;
    },
    faults: async () => (await control("GET faults")).value as Fault[],
    seen: async () => (await control("GET requests")).value as RecordedRequest[],
    state: () => JSON.stringify(TABLES.map((table) => ocs.world.db.all(`SELECT * FROM ${table}`))),
    close: async () => {
      for (const { socket } of clients) socket.destroy();
      await ocs.close();
    },
  };
};

/** Patience for a busy machine. */
export const POLL = { timeout: 10_000 };
