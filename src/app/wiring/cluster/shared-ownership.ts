/** Ownership of record handles that several gateways share. */
import { ownershipLogOf, PostgresLog } from "../../../cluster/log/postgres-log.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { LastSwitchovers } from "../../../journal/write/last-switchovers.ts";
import { needsOwner, type OwnershipOptions } from "../../../ownership/ownership.ts";
import { SharedOwnership } from "../../../ownership/replicated/shared-ownership.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../../shutdown.ts";
import { replayOutcomes } from "../replay-outcomes.ts";
import { ClusterUnavailable, type Cluster } from "./cluster.ts";

type Services = Required<Pick<OwnershipOptions, "staleAfter" | "window" | "onEvent">> & {
  readonly journal: Journal;
  /** Settings in force now. */
  readonly current: () => Settings;
  /** The last switchovers according to the journal; when left out, they are read from its entries. */
  readonly switchovers?: LastSwitchovers | undefined;
  readonly onOtherOcs?: (upstream: string, endpoint: string) => void;
};

/**
 * Applies the logs, and appends ends of handles that this gateway's journal has and the log does not. Rejects with
 * ClusterUnavailable if the database does not answer.
 */
export const startSharedOwnership = async (
  { database, membership }: Cluster,
  { journal, current, switchovers, ...options }: Services,
  stops: ShutdownSteps,
): Promise<SharedOwnership> => {
  const log = new PostgresLog(database, membership);
  const modes = recordsModes(current);
  const ownership = new SharedOwnership({
    ...options,
    log,
    gateways: membership,
    headOf: (upstream) => {
      const head = membership.heads.get(ownershipLogOf(upstream));
      return head === undefined ? undefined : Number(head);
    },
    needsOwners: (upstream) => modes().needingOwners.has(upstream),
    hasFreeHandles: (upstream) => modes().free.has(upstream),
    journalSize: () => journal.status().size,
    putMark: log.putMark,
  });
  stops.push(() => ownership.close());
  if (!(await ownership.start(Object.keys(current().upstreams))))
    throw new ClusterUnavailable(`cannot read the owners of record handles in the shared ${database.where}`);
  await replayJournal({ journal, switchovers }, ownership, await log.mark());
  return ownership;
};

/**
 * `mark`: undefined if this gateway has never written to the log. Then the generations in its journal are those of
 * another database, and only its epochs matter.
 */
const replayJournal = async (
  { journal, switchovers }: Pick<Services, "journal" | "switchovers">,
  ownership: SharedOwnership,
  mark: number | undefined,
): Promise<void> => {
  const { replay, replayEpoch } = ownership;
  const replayed = { replay: mark === undefined ? () => undefined : replay, replayEpoch };
  const isEmpty = mark === undefined;
  await replayOutcomes(journal, replayed, mark ?? 0, { isEmpty, switchovers: switchovers?.all() });
  ownership.replayed();
};

type Modes = { readonly needingOwners: ReadonlySet<string>; readonly free: ReadonlySet<string> };

/** Upstreams with tenants whose handles need an owner, and with tenants whose handles need none. */
const recordsModes = (current: () => Settings): (() => Modes) => {
  let known: { readonly tenants: Settings["tenants"]; readonly modes: Modes } | undefined;
  return () => {
    const { tenants } = current();
    if (known?.tenants !== tenants) {
      const upstreamsOf = (needs: boolean): ReadonlySet<string> =>
        new Set(tenants.filter((tenant) => needsOwner(tenant) === needs).map(({ upstream }) => upstream));
      known = { tenants, modes: { needingOwners: upstreamsOf(true), free: upstreamsOf(false) } };
    }
    return known.modes;
  };
};
