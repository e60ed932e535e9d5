/** An outbox whose disk is a map that outlives it, and an OCS that answers as told. */
import type { AttemptResult } from "../../src/outbox/attempt.ts";
import type { OutboxItem } from "../../src/outbox/item.ts";
import { Outbox, type OutboxOptions } from "../../src/outbox/outbox.ts";
import type { OutboxStore } from "../../src/outbox/store/types.ts";
import { createRedactor } from "../../src/journal/redact.ts";

export const REDACTOR = createRedactor(
  { phone: "last4", customer_id: "token", fields: {}, others: "drop" },
  "an index key for tests only, 32+",
);

let count = 0;

export const anItem = (over: Partial<OutboxItem> = {}): OutboxItem => ({
  id: `01KAPQ7Z8M3VABCDEFGH${String(++count).padStart(6, "0")}`,
  upstream: "ocs",
  tenant: 101,
  client: "alpha",
  credential: { kind: "key", id: "k1" },
  source: "127.0.0.1",
  listener: "clients",
  path: "/phones/4155550100?req=DoNotCall",
  body: '{"GSW_TENANT_DBID":101}',
  acceptedAt: 0,
  state: "pending",
  attempts: 0,
  ...over,
});

export type Disk = Map<string, OutboxItem>;

export const memoryStore = (disk: Disk, over: Partial<OutboxStore> = {}): OutboxStore => ({
  restored: [...disk.values()],
  movedAside: undefined,
  put: (item) => Promise.resolve(void disk.set(item.id, item)),
  save: (item) => void disk.set(item.id, item),
  remove: (id) => void disk.delete(id),
  trouble: () => undefined,
  close: () => Promise.resolve(),
  ...over,
});

export const ok: AttemptResult = { end: "done", status: 200, says: "OCS answered 200" };
export const down: AttemptResult = { end: "later", blame: "tenant", says: "no OCS accepts a connection" };
export const lost: AttemptResult = {
  end: "later",
  blame: "both",
  mayBeDone: true,
  says: "the connection to OCS ended after the request was sent",
};
export const broken: AttemptResult = { end: "later", blame: "both", status: 500, says: "OCS answered 500" };

export type TestOutbox = {
  readonly outbox: Outbox;
  /** The ids of the items in the order of their attempts. */
  readonly tried: string[];
  readonly alarms: { readonly id: string; readonly cause: string; readonly says: string }[];
  readonly clock: { micros: number };
};

/** `answers`: the result of each attempt of an item. */
export const anOutbox = (
  disk: Disk,
  answers: (item: OutboxItem) => AttemptResult | Promise<AttemptResult>,
  over: Partial<OutboxOptions> = {},
): TestOutbox => {
  const tried: string[] = [];
  const alarms: TestOutbox["alarms"] = [];
  const clock = { micros: 0 };
  const outbox = new Outbox({
    store: memoryStore(disk),
    now: () => clock.micros,
    giveUp: () => 86_400_000,
    most: () => 10,
    tokensOf: (kind, value) => [REDACTOR.token(kind, value)],
    attempt: async (item) => {
      tried.push(item.id);
      return answers(item);
    },
    onAlarm: ({ id, cause }, says) => void alarms.push({ id, cause: cause!, says }),
    random: () => 0.5,
    ...over,
  });
  return { outbox, tried, alarms, clock };
};
