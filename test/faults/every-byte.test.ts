import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, type TestGateway } from "../kit/gateway.ts";
import { RecordingOcs, statusOf } from "../kit/recording-ocs.ts";
import { ClientConnection, type Asked } from "./client.ts";
import { cuttingRelay, type CuttingRelay, type Direction } from "./cutting-relay.ts";
import { check, type History } from "./history.ts";
import { addRecord, clientOf, TENANTS, upstreamOf, worldConfig } from "./world.ts";

const TENANT = 101;
const NOWHERE = { url: (instance: string) => `http://127.0.0.1:${instance === "primary" ? 1 : 2}` };

/** Client, gateway, relay and OCS in a row. */
class Row {
  readonly asked: Asked[] = [];
  readonly ocs: RecordingOcs;
  readonly relay: CuttingRelay;
  readonly gateway: TestGateway;
  readonly #client: ClientConnection;

  private constructor(parts: {
    ocs: RecordingOcs;
    relay: CuttingRelay;
    gateway: TestGateway;
    client: ClientConnection;
  }) {
    ({ ocs: this.ocs, relay: this.relay, gateway: this.gateway, client: this.#client } = parts);
  }

  static async start(): Promise<Row> {
    const ocs = await RecordingOcs.start("shared", () => 0);
    const relay = await cuttingRelay(ocs.url("primary"));
    const shared = {
      url: (instance: "primary" | "backup") => (instance === "primary" ? relay.url : ocs.url("backup")),
    };
    const gateway = await aGateway(
      worldConfig({ shared, alone: NOWHERE, lanes: 1, answer: "10s" }),
      TENANTS.map(clientOf),
    );
    return new Row({ ocs, relay, gateway, client: await ClientConnection.to(gateway.port) });
  }

  async add(marker: string): Promise<Asked> {
    const ask = addRecord(TENANT, marker, "4155550100");
    const entry = this.#client.enter(TENANT, ask);
    this.asked.push(entry);
    await this.#client.ask(ask.bytes, [entry]);
    return entry;
  }

  /** What OCS received stands in the journal under the relay's address. */
  async history(): Promise<History> {
    return {
      asked: this.asked,
      received: this.ocs.ledger.map((each) => ({ ...each, endpoint: this.relay.url })),
      journal: await this.gateway.journal(),
      upstreamOf,
    };
  }

  async stop(): Promise<void> {
    this.#client.hangUp();
    await this.gateway.stop();
    await this.relay.close();
    await this.ocs.close();
  }
}

/** They run side by side, each with its part of the offsets. */
const ROWS = 4;
let rows: Row[];
beforeAll(async () => {
  rows = await Promise.all(Array.from({ length: ROWS }, () => Row.start()));
});
afterAll(async () => {
  await Promise.all(rows.map((row) => row.stop()));
});

/** A marker of one length that OCS answers with this status. */
const markerFor = (name: string, status: number): string => {
  for (let suffix = 100; suffix < 1000; suffix++)
    if (statusOf(`${TENANT}-${name}-${suffix}`) === status) return `${TENANT}-${name}-${suffix}`;
  throw new Error(`no marker for ${status}`);
};

type Series = { readonly direction: Direction; readonly status: number };

/** Cuts there, then asks once more; every wrong thing as a sentence. */
const cutAndGoOn = async (row: Row, { direction, status }: Series, after: number): Promise<string[]> => {
  const name = `${direction}-${status}-${String(after).padStart(3, "0")}`;
  const marker = markerFor(name, status);
  row.relay.arm({ direction, after });
  const { seen } = await row.add(marker);
  await row.relay.done();
  const faults: string[] = [];
  const connections = row.relay.connections();
  const next = await row.add(markerFor(`${name}-next`, 200));
  const times = (of: string): number => row.ocs.ledger.filter((each) => each.executed && each.marker === of).length;
  const executions = times(marker);
  if (executions > 1) faults.push(`carried out ${executions} times`);
  if (seen?.origin === "ocs" && executions !== 1)
    faults.push(`answered ${seen.status}, carried out ${executions} times`);
  if (seen?.delivery !== "answered" && seen?.delivery !== "sent-no-answer")
    faults.push(`bytes had left, and the client was told ${seen?.delivery}`);
  if (next.seen?.origin !== "ocs")
    faults.push(
      `the next request got ${next.seen?.status} ${next.seen?.code} and was carried out ${times(next.marker)} times`,
    );
  if (row.relay.connections() <= connections) faults.push("the next request went over a connection that had been cut");
  return faults.map((fault) => `${name}: ${fault}`);
};

/** Bytes of one such exchange. */
const lengthOf = async (row: Row, { direction, status }: Series): Promise<number> => {
  const before = row.relay.passed()[direction];
  await row.add(markerFor(`${direction}-${status}-len`, status));
  return row.relay.passed()[direction] - before;
};

const cutEverywhere = async (series: Series): Promise<{ offsets: number; faults: string[] }> => {
  const length = await lengthOf(rows[0]!, series);
  const offsets = Array.from({ length: length + 1 }, (_, after) => after);
  const faults = await Promise.all(
    rows.map(async (row, at) => {
      const found: string[] = [];
      for (const after of offsets.filter((offset) => offset % ROWS === at))
        found.push(...(await cutAndGoOn(row, series, after)));
      return found;
    }),
  );
  return { offsets: offsets.length, faults: faults.flat() };
};

const serieses: readonly (readonly [name: string, series: Series])[] = [
  ["the request", { direction: "request", status: 200 }],
  ["a positive answer", { direction: "answer", status: 200 }],
  ["a negative answer", { direction: "answer", status: 410 }],
];

describe("a link that is cut", () => {
  it.each(serieses)(
    "after any byte of %s: no double run, no false answer, no false not-sent, and the next request goes through",
    { timeout: 120_000 },
    async (_name, series) => {
      const { offsets, faults } = await cutEverywhere(series);
      expect(faults).toEqual([]);
      expect(offsets).toBeGreaterThan(80);
    },
  );

  it("leaves a history without a fault", async () => {
    const faults = await Promise.all(rows.map(async (row) => check(await row.history())));
    expect(faults.flat()).toEqual([]);
    expect(rows.flatMap(({ asked }) => asked).length).toBeGreaterThan(800);
  });
});
