/**
 * Posts call reports to the history-uri: sequence 0 at the attempt, sequence 1 with the result when the call has ended.
 * Sequence 1 is repeated until the server answers 200.
 */
import { attemptGuid } from "./attached-data.ts";
import { endedUnreported, setReports, type Retrieved } from "./retrieve-records.ts";
import type { Poster } from "./http-post.ts";
import type { World } from "../world/world.ts";

export type CallReports = {
  readonly attempt: (uri: string, retrieved: Retrieved) => Promise<void>;
  /** Reports all calls that have ended since the last time. Called whenever a call may have ended. */
  readonly ends: (uri: string) => Promise<void>;
};

export const createCallReports = (world: World, poster: Poster, timeout: number): CallReports => {
  const send = async (uri: string, retrieved: Retrieved, sequence: 0 | 1): Promise<boolean> => {
    const answer = await poster.post(uri, reportOf(world, retrieved, sequence), timeout).catch(() => undefined);
    return answer?.status === 200;
  };
  let sending: Promise<void> | undefined;
  const sendEnds = async (uri: string): Promise<void> => {
    for (const retrieved of endedUnreported(world)) {
      if (!(await send(uri, retrieved, 1))) return;
      setReports(world, retrieved, 2);
    }
  };
  return {
    attempt: async (uri, retrieved) => {
      setReports(world, retrieved, 1);
      await send(uri, retrieved, 0);
    },
    // Only one sweep at a time: two would send the same report twice.
    ends: (uri) =>
      (sending ??= sendEnds(uri).finally(() => {
        sending = undefined;
      })),
  };
};

const reportOf = (world: World, retrieved: Retrieved, sequence: 0 | 1): object => {
  const { record, group, list, campaign, tenant } = retrieved;
  return {
    GSW_HIST_SEQUENCE_NUM: sequence,
    GSW_TENANT_NAME: tenant.name,
    GSW_CAMPAIGN_NAME: campaign.name,
    GSW_CAMPAIGN_GROUP_NAME: group.name,
    GSW_CALLING_LIST: list.name,
    GSW_CALLING_LIST_DBID: list.dbid,
    GSW_PHONE: record.contact_info,
    ...(record.customer_id !== null && { GSW_CUSTOMER_ID: record.customer_id }),
    GSW_CHAIN_ID: record.chain_id,
    GSW_CHAIN_N: record.chain_n,
    GSW_CALL_ATTEMPT_GUID: attemptGuid(world, retrieved),
    ...(sequence === 1 && { GSW_CALL_RESULT: record.call_result }),
  };
};
