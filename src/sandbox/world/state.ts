/** The state of the sandbox as JSON, for `GET /sandbox/state`. */
import { allGroups, settle, type CampaignGroup } from "./groups.ts";
import { stateOf } from "../actions/transitions.ts";
import type { Pair } from "../server/warm-standby.ts";
import type { ConnectionRecord, Counters, Instance } from "../server/recorder.ts";
import type { CallingRecord } from "./schema.ts";
import type { World } from "./world.ts";

export type OpenHandleState = {
  readonly handle: number;
  readonly tenant: string;
  readonly list: string;
  readonly group: number;
  readonly phone: string;
  /** UTC seconds since 1970. */
  readonly since: number;
};

export type SandboxState = {
  /** ISO 8601. */
  readonly now: string;
  readonly active: Instance;
  readonly groups: readonly (CampaignGroup & { readonly state: string })[];
  readonly lists: readonly {
    readonly dbid: number;
    readonly name: string;
    readonly tenant: string;
    readonly rows: readonly CallingRecord[];
  }[];
  readonly doNotCall: readonly object[];
  readonly handles: readonly OpenHandleState[];
  readonly connections: readonly ConnectionRecord[];
  readonly counters: Readonly<Record<Instance, Counters>>;
};

export const readState = (world: World, pair: Pair): SandboxState => {
  world.db.transaction(() => {
    settle(world);
  });
  return {
    now: new Date(world.clock.now()).toISOString(),
    active: pair.active(),
    groups: allGroups(world).map((group) => ({ ...group, state: stateOf(group.status) })),
    lists: lists(world),
    doNotCall: world.db.all<object>("SELECT * FROM do_not_call_list ORDER BY rowid"),
    handles: openHandles(world),
    connections: pair.recorder.connections(),
    counters: pair.recorder.counters(),
  };
};

const lists = ({ db }: World): SandboxState["lists"] =>
  db
    .all<{ dbid: number; name: string; tenant: string }>(
      "SELECT calling_list.dbid, calling_list.name, tenant.name AS tenant FROM calling_list JOIN tenant ON " +
        "tenant.dbid = tenant_dbid ORDER BY calling_list.dbid",
    )
    .map((list) => ({
      ...list,
      rows: db.all<CallingRecord>("SELECT * FROM record WHERE list_dbid = ? ORDER BY record_id", list.dbid),
    }));

export const openHandles = ({ db }: World): OpenHandleState[] =>
  db.all<OpenHandleState>(
    `SELECT handle, tenant.name AS tenant, calling_list.name AS list, group_dbid AS "group", contact_info AS phone,
      opened_at AS since
      FROM record_handle JOIN record USING (record_id) JOIN calling_list ON calling_list.dbid = list_dbid JOIN tenant
      ON tenant.dbid = tenant_dbid
      WHERE state = 'open' ORDER BY handle`,
  );
