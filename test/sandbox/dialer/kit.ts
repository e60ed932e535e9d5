/** A dialer over a world of its own, and a receiver for what it posts. */
import { expect } from "vitest";
import {
  createDialer,
  type Dialed,
  type Dialer,
  type DialerPlace,
  type DialerSettings,
} from "../../../src/sandbox/dialer/dialer.ts";
import type { World } from "../../../src/sandbox/world/world.ts";
import { receiver, type Receiver } from "./posted.ts";
import { aWorld, NOON } from "../support.ts";

/** 18:00 UTC: from 10:00 to 13:00 on the clocks of the seed's four time zones. */
export const EVENING = NOON + 6 * 3_600_000;

export type Setting = {
  readonly world: World;
  validator: Receiver;
  readonly make: (settings?: Partial<DialerSettings>, from?: DialerPlace["from"]) => Dialer;
  readonly end: () => Promise<void>;
};

export const aSetting = async (now: () => number): Promise<Setting> => {
  const world = aWorld({ now });
  const dialers: Dialer[] = [];
  const setting: Setting = {
    world,
    validator: await receiver(),
    make: (settings = {}, from) => {
      const dialer = createDialer(world, settings, { base: () => "http://gateway:8080", from });
      dialers.push(dialer);
      return dialer;
    },
    end: async () => {
      for (const dialer of dialers) await dialer.close();
      await setting.validator.close();
      world.close();
    },
  };
  return setting;
};

export type ControlEvent = {
  readonly type: string;
  readonly udata: Readonly<Record<string, unknown>>;
  readonly because?: string;
  readonly phone?: string;
  readonly call_result?: number;
};

export const eventsOf = ({ events }: Dialed): ControlEvent[] =>
  events.map(({ type, data }) => ({ type, ...(JSON.parse(data) as Omit<ControlEvent, "type">) }));
export const phonesOf = ({ retrieved }: Dialed): string[] => retrieved.map(({ record }) => record.contact_info);

export const until = async (holds: () => boolean): Promise<void> => {
  for (let left = 500; left > 0 && !holds(); left--) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
};
