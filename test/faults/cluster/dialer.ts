/** OCS's dialer: it announces each record to any gateway, and dials it when one has answered 200. */
import { announce } from "../../kit/announcing.ts";
import { below, between } from "../random.ts";
import { finish, rest, type ClientOptions } from "./clients.ts";
import type { ClusterNode } from "./node.ts";
import type { DialedRecord, Records } from "./records.ts";
import { TENANTS } from "./world.ts";

type Dialer = ClientOptions & {
  readonly records: Records;
  readonly isOver: () => boolean;
  /** Milliseconds between records, in the mean. */
  readonly every: number;
};

const ANNOUNCEMENTS = 3;
/** How long OCS waits for an answer. */
const PATIENCE_MS = 5000;

/** Resolves when the agents of all dialed records have ended. */
export const dial = async (dialer: Dialer): Promise<void> => {
  const { records, random, isOver, every } = dialer;
  const agents: Promise<void>[] = [];
  while (!isOver()) {
    const tenant = TENANTS[below(random, TENANTS.length)]!;
    agents.push(attempt(dialer, records.next(tenant, random() < 0.3)));
    await rest(between(random, 0, 2 * every));
  }
  await Promise.all(agents);
};

const attempt = async (dialer: Dialer, record: DialedRecord): Promise<void> => {
  const { nodes, random, records } = dialer;
  for (let tries = 0; tries < ANNOUNCEMENTS; tries++) {
    const node = nodes[below(random, nodes.length)]!;
    const status = await post(node, record);
    // A life that has ended dials no more.
    if (record.life !== records.life) return;
    if (status === 200) {
      record.openedAt = performance.now();
      const intruder = TENANTS.filter((tenant) => tenant !== record.tenant)[below(random, TENANTS.length - 1)]!;
      return finish(dialer, record, intruder);
    }
    await rest(between(random, 20, 200));
  }
  records.drop(record);
};

const post = async (node: ClusterNode, record: DialedRecord): Promise<number | undefined> => {
  const { handle, tenant, life } = record;
  const properties = {
    GSW_RECORD_HANDLE: handle,
    GSW_CAMPAIGN_NAME: `Campaign ${tenant}`,
    GSW_CAMPAIGN_GROUP_NAME: `Campaign ${tenant}@Agents`,
    GSW_CAMPAIGN_GROUP_DBID: tenant * 100,
    GSW_CALLING_LIST: `List ${tenant}`,
    GSW_PHONE: `4155550${100 + (handle % 100)}`,
    GSW_CALL_ATTEMPT_GUID: `attempt-${life}-${handle}-${Math.round(record.announcedAt)}`,
    GSW_ATTEMPTS: 1,
  };
  const answered = announce(`http://127.0.0.1:${node.relays.callbacks.port}`, properties).then(
    ({ status }) => status,
    () => undefined,
  );
  return Promise.race([answered, rest(PATIENCE_MS).then(() => undefined)]);
};
