/** The last records that OCS announced to its validation-uri, each with what the answer meant. */
import type { CallingList, Tenant } from "../world/directory.ts";
import { tenantOfList } from "../world/directory.ts";
import type { World } from "../world/world.ts";
import type { AttachedData } from "./attached-data.ts";

export type Announcement = {
  /** Counts announcements from 1. */
  readonly number: number;
  /** ISO 8601, by the sandbox's clock. */
  readonly time: string;
  /** `again`: no validation; the validation-uri gets all issued handles, for example after its restart. */
  readonly cause: "dialing" | "again";
  readonly tenant: string;
  readonly list: string;
  readonly handle: number;
  readonly phone: string;
  /** `later`: no answer, so the record is put back. `noted`: an answer to `again`. `waiting`: no answer yet. */
  readonly decision: "waiting" | "dial" | "stop" | "later" | "noted";
  /** What OCS got instead of permission to dial; null for `dial`, `noted` and `waiting`. */
  readonly because: string | null;
};

type Answered = Pick<Announcement, "decision" | "because">;

export type Announcements = {
  /** Returns what is called with the answer. */
  readonly begin: (
    about: { readonly list: CallingList; readonly tenant?: Tenant; readonly data: AttachedData },
    cause: Announcement["cause"],
  ) => (answered: Answered) => void;
  /** The newest first. */
  readonly list: () => readonly Announcement[];
};

const KEPT = 100;

export const createAnnouncements = (world: World): Announcements => {
  let kept: Announcement[] = [];
  let count = 0;
  return {
    begin: ({ list, tenant = tenantOfList(world, list), data }, cause) => {
      const announcement: Announcement = {
        number: ++count,
        time: new Date(world.clock.now()).toISOString(),
        cause,
        tenant: tenant.name,
        list: list.name,
        handle: Number(data["GSW_RECORD_HANDLE"]),
        phone: String(data["GSW_PHONE"]),
        decision: "waiting",
        because: null,
      };
      // While the validation-uri does not answer, the same handle is announced every second.
      const isRepeated = (each: Announcement): boolean =>
        cause === "again" && each.cause === "again" && each.handle === announcement.handle && each.decision === "later";
      kept = [announcement, ...kept.filter((each) => !isRepeated(each))].slice(0, KEPT);
      return (answered) => {
        kept = kept.map((each) => (each.number === announcement.number ? { ...each, ...answered } : each));
      };
    },
    list: () => kept,
  };
};
