/** The outbox: its file, its persons' tokens by the index keys in force, its attempts, and its alarms. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PipelineDeps } from "../../../gateway/pipeline.ts";
import type { Order } from "../../../gateway/types.ts";
import { events } from "../../../common/log/events.ts";
import type { Arrival } from "../../../common/message.ts";
import type { Entry } from "../../../journal/entry.ts";
import type { Journal } from "../../../journal/journal.ts";
import { HANDLED, notedId } from "../../../journal/open-dnc/handled-notes.ts";
import { indexKeysOf, tokenMaker } from "../../../journal/redact.ts";
import type { Cause, OutboxItem, RecordMeant } from "../../../outbox/item.ts";
import { Outbox } from "../../../outbox/outbox.ts";
import type { TokensOf } from "../../../outbox/pending-numbers.ts";
import { OutboxRows, type Holder } from "../../../outbox/store/outbox-rows.ts";
import { SharedStore } from "../../../outbox/store/shared-store.ts";
import { openOutboxStore, type OutboxStore } from "../../../outbox/store/store.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import type { Alarms } from "../alarms.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Records } from "../ownership.ts";
import { createAttempt } from "./attempt.ts";
import { OutboxAttempts } from "./outbox-attempts.ts";

/** What the pipeline asks of the outbox. */
export type OutboxDeps = NonNullable<PipelineDeps["outbox"]>;

export type StartedOutbox = {
  readonly outbox: Outbox;
  readonly deps: OutboxDeps;
  readonly attempts: OutboxAttempts;
  /** Call it with every entry on disk: a note about the Do-Not-Call of an alarm closes the alarm. */
  readonly written: (entry: Entry) => void;
};

type Services = {
  readonly journal: Pick<Journal, "believed">;
  /** Undefined: this gateway is alone. */
  readonly cluster: Cluster | undefined;
  readonly records: Records;
  readonly current: () => Settings;
  readonly generation: () => { readonly deps: PipelineDeps } | undefined;
};

/** The alarm's name, in journal, log and status. */
export const NOT_CARRIED_OUT = "an accepted Do-Not-Call was not carried out";

const ADVICE: Readonly<Record<Cause, string>> = {
  rejected:
    "OCS will reject the same request again. Look at its answer (ocsgw explain ID), and add the number to OCS's " +
    "do-not-call list by another request or by hand",
  "record-ended":
    "The record handle is not that record's any more. Send a Do-Not-Call by phone number or customer id instead",
  "tenant-removed": "Add the number to the do-not-call list of the OCS that calls for this tenant now",
  "gave-up": "Find out why OCS does not carry it out (ocsgw status, ocsgw explain ID), and then send it again",
  unreadable: "Another version of the gateway accepted it: find the number by its client, and send it again",
};
const CLOSE =
  "; then close the alarm: ocsgw outbox close ID --note TEXT. Until then records with the number are refused";

export const startOutbox = async (
  settings: Pick<Settings, "audit">,
  { journal, cluster, records, current, generation }: Services,
  stops: ShutdownSteps,
): Promise<StartedOutbox> => {
  const store = await openStore(join(settings.audit.dir, "outbox.sqlite"), cluster);
  stops.push(() => store.close());
  const attempts = new OutboxAttempts();
  const outbox = new Outbox({
    store,
    now: () => journal.believed().now,
    giveUp: () => current().outbox.give_up,
    most: () => current().outbox.max,
    tokensOf: tokensBy(() => current().audit.index_key),
    attempt: createAttempt(generation),
    onAlarm: (item, says) => records.alarms.raise(alarmOf(item, says, current())),
    onAttempt: attempts.note,
  });
  if (store.movedAside !== undefined) reportLoss(records.alarms, store.movedAside);
  return {
    outbox,
    deps: { ...depsOf(outbox, records, () => journal.believed().now), isShared: cluster !== undefined },
    attempts,
    written: (entry) => {
      if (entry.kind === "access" && entry.operation === HANDLED) outbox.close(notedId(entry.query) ?? "");
    },
  };
};

const openStore = async (file: string, cluster: Cluster | undefined): Promise<OutboxStore> => {
  if (!cluster) return openOutboxStore(file);
  const { database, membership } = cluster;
  const rows = new OutboxRows(database);
  // What this gateway accepted while it was alone.
  if (existsSync(file)) await moveItems(await openOutboxStore(file), rows, membership);
  return SharedStore.open({ rows, membership });
};

const moveItems = async (own: OutboxStore, rows: OutboxRows, holder: Holder): Promise<void> => {
  try {
    if (own.restored.length > 0) await rows.add(holder, own.restored);
    for (const { id } of own.restored) own.remove(id);
  } finally {
    await own.close();
  }
};

const reportLoss = (alarms: Alarms, file: string): void => {
  events.outboxCorrupt({ file });
  alarms.raise({
    reason: "the outbox was damaged and moved aside: accepted Do-Not-Calls in it are not sent any more",
    advice: "ocsgw audit dnc lists the Do-Not-Calls that OCS has not confirmed: send them again",
    upstream: "",
  });
};

const depsOf = (outbox: Outbox, records: Records, now: () => number): Omit<OutboxDeps, "isShared"> => ({
  hasRoom: ({ upstream, dbid }) => outbox.hasRoom({ upstream, tenant: dbid }),
  accept: async (order, arrival) => {
    try {
      await outbox.accept(itemOf(order, arrival, { records, acceptedAt: now() }));
    } catch (error) {
      events.outboxNotWritten({ error });
      throw error;
    }
  },
  begin: outbox.begin,
  pendingFor: ({ upstream, dbid }, person) => outbox.pendingFor({ upstream, tenant: dbid }, person),
});

const itemOf = (
  { id, client, credential, owner, path, body, operation, lease }: Order,
  { source, listener, trace }: Arrival,
  { records, acceptedAt }: { readonly records: Records; readonly acceptedAt: number },
): OutboxItem => {
  const record: RecordMeant | undefined =
    operation.action.resource === "records"
      ? (lease?.record ?? { epoch: records.ownership.epochOf(owner.upstream) })
      : undefined;
  return {
    id,
    upstream: owner.upstream,
    tenant: owner.dbid,
    client,
    credential,
    source,
    listener,
    ...(trace && { traceparent: trace.parent }),
    path,
    body,
    ...(record && {
      record: { epoch: record.epoch, generation: record.generation, announced: record.announced },
    }),
    acceptedAt,
    state: "pending",
    attempts: 0,
  };
};

/** Makes the tokens of all epochs; the makers are made again when the keys change. */
const tokensBy = (keys: () => Settings["audit"]["index_key"]): TokensOf => {
  let made: { readonly of: unknown; readonly makers: readonly ReturnType<typeof tokenMaker>[] } | undefined;
  return (kind, value) => {
    const now = keys();
    if (made?.of !== now) made = { of: now, makers: indexKeysOf(now).map(tokenMaker) };
    return made!.makers.map((make) => make(kind, value));
  };
};

const alarmOf = (
  { id, upstream, tenant: dbid, cause, lastAttempt }: OutboxItem,
  says: string,
  { tenants }: Settings,
): Parameters<Alarms["raise"]>[0] => {
  const tenant = tenants.find((each) => each.upstream === upstream && each.dbid === dbid);
  return {
    reason: NOT_CARRIED_OUT,
    advice: `${ADVICE[cause!]}${CLOSE}`,
    upstream,
    tenant: { dbid, name: tenant?.name ?? String(dbid) },
    detail: `${cause}: ${says}; request ${id}${lastAttempt === undefined ? "" : `, last attempt ${lastAttempt}`}`,
  };
};
