/** `ocsgw sandbox dial`: makes a running sandbox's OCS dial records now, and prints what a client would receive. */
import { setTimeout as after } from "node:timers/promises";
import { ControlError } from "../../sandbox/control/error.ts";
import { DONE, FAILED } from "../exit-codes.ts";
import { ask, command, type Host } from "./control-client.ts";
import { eventLine, type ControlEvent } from "./event-line.ts";

/** Options of the command line. */
export type DialOptions = {
  readonly url: string;
  readonly list?: string;
  readonly count?: number;
  readonly rate?: string;
  readonly to?: string;
  readonly json?: boolean;
};

type Dialed = { readonly dialed: number; readonly events: readonly ControlEvent[]; readonly short?: string };

/** Resolves to the exit code: 0 all records were dialed, 1 not all, 2 wrong usage, 5 no answer from a sandbox. */
export const dial = (
  { url, list, count, rate, to, json = false }: DialOptions,
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const pause = rate === undefined ? undefined : pauseOf(rate);
    const selection = { ...(list !== undefined && { list }), ...(to !== undefined && { to }) };
    const once = async (wanted: number): Promise<boolean> => {
      const { events, short } = (await ask(url, "POST", "dial", { ...selection, count: wanted })) as Dialed;
      for (const event of events) host.stdout.write(json ? `${JSON.stringify(event)}\n` : eventLine(event));
      if (short !== undefined) host.stderr.write(`${short}\n`);
      return short === undefined;
    };
    if (pause === undefined) return (await once(count ?? 1)) ? DONE : FAILED;
    for (let left = count ?? Number.POSITIVE_INFINITY; left > 0; left--) {
      if (!(await once(1))) return FAILED;
      if (left > 1) await after(pause);
    }
    return DONE;
  });

/** Milliseconds between two records, for "2/s" or "0.5/s". */
const pauseOf = (rate: string): number => {
  const [, number = ""] = /^(\d{1,4}(?:\.\d{1,4})?)\/s$/.exec(rate) ?? [];
  if (Number(number) > 0) return 1000 / Number(number);
  throw new ControlError(400, `--rate: expected records per second, such as 2/s or 0.5/s; found ${rate}`);
};
